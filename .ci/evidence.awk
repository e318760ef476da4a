# The evidence for the exit criteria: a file for each page of docs/milestones, with a row for each test of each criterion.
# Says what did not pass and how it ended, and fails unless that was left out on this machine.
#
# awk -v commit=COMMIT -v folder=FOLDER -f .ci/evidence.awk RECORD LEFT_OUT docs/milestones/K*.md
#
# RECORD is what `cargo test --workspace` printed, or the JUnit report of cargo-nextest. Only a test that it says passed did:
# one that was ignored or not reached did not run. LEFT_OUT has the names of tests that passed without doing their work,
# which this machine does not let them do.

# A record may contain what a test printed, which may look like anything: of either kind, only its own lines are read.
FILENAME == ARGV[1] && FNR == 1 { junit = /^<\?xml/ }

# The report of cargo-nextest: nothing that a test printed begins a tag.
FILENAME == ARGV[1] && junit && $1 == "<testcase" {
    package = attribute("classname")
    sub(/::.*/, "", package)
    name = attribute("name")
    end(package, name, "ok")
}
FILENAME == ARGV[1] && junit && /^ *<(failure|error|skipped|flakyFailure|rerunFailure)/ { end(package, name, "FAILED") }

# What `cargo test` printed: a binary has the name of its package, and each of its tests says how it ended. What failed tests
# printed follows, and cargo runs no binary after that.
FILENAME == ARGV[1] && !junit && !over {
    gsub(/\033\[[0-9;]*m/, "")
    if ($1 == "Running") {
        package = $NF
        gsub(/^.*\/|-[0-9a-f]+\)$/, "", package)
    } else if ($1 == "test" && $3 == "...") {
        sub(/,$/, "", $4)
        end(package, $2, $4)
    } else if ($0 == "failures:") {
        over = 1
    }
}
FILENAME == ARGV[1] { next }

FILENAME == ARGV[2] {
    ended[key($1, $2)] = "left out"
    next
}

# A page: below its heading each criterion is an item, and each test of it an item below that.
FNR == 1 {
    finish()
    milestone = FILENAME
    gsub(/^.*\/|\.md$/, "", milestone)
    file = folder "/" milestone ".json"
    between = "[\n"
    inside = 0
}
/^## / {
    settle()
    inside = $0 == "## Exit criteria"
}
inside && /^- / {
    settle()
    criterion = substr($0, 3)
}
inside && /^  - / {
    test = substr($0, 5)
    gsub(/`/, "", test)
    row(test, ended[key(substr(test, 1, index(test, " ") - 1), substr(test, index(test, " ") + 1))])
}

END {
    finish()
    if (missing) {
        printf "exit criteria that are not met:\n%s", missing
        exit failed
    }
    printf "%d tests passed that hold the exit criteria: %s\n", rows, folder
}

# A package is called otherwise by its binary.
function key(package, name) {
    gsub(/-/, "_", package)
    return package " " name
}

# How a test ended. Of two with one name, both have to pass.
function end(package, name, how) {
    if (ended[key(package, name)] ~ /^(ok)?$/) ended[key(package, name)] = how
}

function attribute(name) {
    return match($0, " " name "=\"[^\"]*\"") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4) : ""
}

function row(test, how) {
    printf("%s{\"commit\":%s,\"criterion\":%s,\"passed\":%s,\"test\":%s}", between, json(commit), json(criterion), \
        (how == "ok" ? "true" : "false"), (test == "" ? "null" : json(test))) > file
    between = ",\n"
    held = 1
    rows++
    if (how == "ok") return
    if (how != "left out") failed = 1
    if (told != file criterion) missing = missing milestone ", " criterion "\n"
    told = file criterion
    missing = missing "    " (test == "" ? "" : test ": ") (how == "" ? "did not run" : how) "\n"
}

# The end of a criterion: without a test it is not met.
function settle() {
    if (criterion != "" && !held) row("", "no test")
    criterion = ""
    held = 0
}

# The end of a page.
function finish() {
    settle()
    if (file) {
        print (between == "[\n" ? "[]" : "\n]") > file
        close(file)
    }
}

function json(value) {
    gsub(/[\\"]/, "\\\\&", value)
    gsub(/[[:cntrl:]]/, " ", value)
    return "\"" value "\""
}
