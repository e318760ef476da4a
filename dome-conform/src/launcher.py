"""Runs a tool, and reports what it does.

dome writes this file into a private folder for each session, and starts it in place of the tool:
launcher.py FD NONCE ROOT CLOCK FILTER NAMED ENTRY. It observes; what enforces is the kernel.
"""

import site

# Python's own start, without what lets packages run code at it: `.pth` files and `sitecustomize`. No tool names them, nobody
# observes them, and each run would pay for them.
site.addpackage = lambda *_: None
site.execsitecustomize = site.execusercustomize = lambda: None
site.main()

import atexit
import builtins
import itertools
import os
import sys
import types


def _lock(program):
    """No program can be started from here on: a filter that only the interpreter's own start must not meet."""
    try:
        import ctypes

        raw = bytes.fromhex(program)
        kept = ctypes.create_string_buffer(raw, len(raw))

        class Program(ctypes.Structure):
            _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

        libc = ctypes.CDLL(None, use_errno=True)
        filter_ = Program(len(raw) // 8, ctypes.addressof(kept))
        if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, ctypes.byref(filter_), 0, 0) != 0:
            return "errno %d" % ctypes.get_errno()
        for name in [name for name in sys.modules if name == "ctypes" or name.startswith("ctypes.")]:
            del sys.modules[name]
        return "ok"
    except Exception as error:  # reported, and judged by dome
        return "%s: %s" % (type(error).__name__, error)


def _set_clock(mode):
    """Another time of day, or one that stands still, as far as Python's own functions go."""
    import datetime
    import time

    kind, _, seconds = mode.partition(":")
    seconds = int(seconds)
    real = {name: getattr(time, name) for name in dir(time)}
    shift = seconds * 10**9

    def time_ns():
        return shift if kind == "freeze" else real["time_ns"]() + shift

    def now():
        return time_ns() / 10**9

    time.time, time.time_ns = now, time_ns
    time.gmtime = lambda secs=None: real["gmtime"](now() if secs is None else secs)
    localtime = time.localtime = lambda secs=None: real["localtime"](now() if secs is None else secs)
    time.ctime = lambda secs=None: real["ctime"](now() if secs is None else secs)
    time.asctime = lambda *args: real["asctime"](*(args or (localtime(),)))
    time.strftime = lambda form, at=None: real["strftime"](form, localtime() if at is None else at)
    time.clock_gettime = lambda which: now() if which in (0, 5) else real["clock_gettime"](which)
    time.clock_gettime_ns = lambda which: time_ns() if which in (0, 5) else real["clock_gettime_ns"](which)
    if kind == "freeze":
        for name in ("monotonic", "perf_counter", "process_time", "thread_time"):
            setattr(time, name, lambda: 1.0)
            setattr(time, name + "_ns", lambda: 10**9)

    plain, plain_date = datetime.datetime, datetime.date

    class OfDatetime(type):
        def __instancecheck__(cls, value):
            return isinstance(value, plain)

        def __subclasscheck__(cls, other):
            return issubclass(other, plain)

    class OfDate(type):
        def __instancecheck__(cls, value):
            return isinstance(value, plain_date)

        def __subclasscheck__(cls, other):
            return issubclass(other, plain_date)

    class Datetime(plain, metaclass=OfDatetime):
        @classmethod
        def now(cls, tz=None):
            return plain.fromtimestamp(now(), tz)

        @classmethod
        def utcnow(cls):
            return plain.fromtimestamp(now(), datetime.timezone.utc).replace(tzinfo=None)

        @classmethod
        def today(cls):
            return plain.fromtimestamp(now())

    class Date(plain_date, metaclass=OfDate):
        @classmethod
        def today(cls):
            return plain_date.fromtimestamp(now())

    Datetime.__name__ = Datetime.__qualname__ = "datetime"
    Date.__name__ = Date.__qualname__ = "date"
    datetime.datetime, datetime.date = Datetime, Date


_KEPT = frozenset(
    """os.mkdir os.rmdir os.remove os.truncate os.rename os.link os.symlink os.chmod os.chown os.utime
    os.setxattr os.removexattr os.chflags os.chdir os.system os.exec os.fork os.forkpty os.posix_spawn os.spawn
    os.kill os.killpg pty.spawn subprocess.Popen
    socket.connect socket.bind socket.sendto socket.sendmsg
    socket.getaddrinfo socket.gethostbyname socket.gethostbyaddr socket.getnameinfo
    sqlite3.connect sqlite3.load_extension
    ctypes.dlopen ctypes.dlsym ctypes.dlsym/handle ctypes.call_function ctypes.cdata ctypes.cdata/buffer
    ctypes.string_at ctypes.wstring_at ctypes.get_errno ctypes.set_errno""".split()
)
_TAMPER = frozenset(["gc.get_objects", "gc.get_referrers", "gc.get_referents", "object.__setattr__"])


def _observer(fd, root, named):
    """The hook. It has no closure and reads no global: what it needs stands in its defaults, and whoever
    changes those is seen. It counts, so that lines that never arrive are missed."""
    count = itertools.count(1)
    own = []

    def hook(
        event,
        args,
        *,
        fd=fd,
        root=root,
        named=named,
        own=own,
        count=count.__next__,
        kept=_KEPT,
        tamper=_TAMPER,
        write=os.write,
        type=type,
        str=str,
        bytes=bytes,
        int=int,
        tuple=tuple,
        list=list,
        len=len,
    ):
        if event == "open":
            if len(args) < 3:
                return
            path, flags = args[0], args[2]
            kind = type(path)
            if kind is not str and kind is not bytes:
                return
            if type(flags) is int and not flags & 0o3103:
                if kind is not str or not path.startswith(root) or path in named:
                    return
                event = "dome.read"
            args = (path,)
        elif event in tamper:
            if event == "object.__setattr__" and not (own and args[0] is own[0]):
                return
            args = (event,)
            event = "dome.tamper"
        elif event not in kept:
            return
        elif event == "ctypes.dlopen" and args[0] is None:
            return
        elif event == "sqlite3.connect" and args[0] in (":memory:", b":memory:", ""):
            return
        line = event
        for value in args[:3]:
            kind = type(value)
            if kind is tuple or kind is list:
                value = ":".join([str(item) if type(item) is str or type(item) is int else "object" for item in value])
                kind = str
            if kind is str:
                value = value.encode("utf-8", "surrogateescape")
            elif kind is int:
                value = str(value).encode()
            elif kind is not bytes:
                value = b"object"
            line += "\t" + value[:1024].hex()
        count()
        write(fd, (line + "\n").encode())

    own.append(hook)
    sys.addaudithook(hook)

    def end(nonce, *, count=count.__next__, write=os.write, fd=fd):
        write(fd, ("dome.end\t%s\t%s\n" % (nonce.encode().hex(), str(count() - 1).encode().hex())).encode())

    return end


def _launch():
    fd, nonce, root, clock, program, named, entry = sys.argv[1:8]
    sys.argv[:] = [entry]
    sys.path.insert(0, os.path.dirname(entry))
    with open(entry, "rb") as file:
        source = file.read()
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=entry, __builtins__=builtins)
    code = compile(source, entry, "exec", dont_inherit=True)
    if clock:
        _set_clock(clock)
    locked = _lock(program) if program else ""
    fd = int(fd)
    if fd >= 0:
        os.set_inheritable(fd, False)
        os.write(fd, ("dome.lock\t%s\n" % locked.encode().hex()).encode())
        atexit.register(_observer(fd, root, frozenset(named.split("\n"))), nonce)
    sys.modules["__main__"] = main
    return code, main.__dict__


if __name__ == "__main__":
    _code, _names = _launch()
    globals().update(dict.fromkeys(["_observer", "_launch", "_lock", "_set_clock"]))
    exec(_code, _names)
