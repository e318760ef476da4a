//! What was tested: as the options say it, else as the data does (`docs/formats/README.md`, "What was tested").

use dome_core::{Repository, Subject};

use crate::convert::ConvertOptions;
use crate::record::identifier;

/// What data says of a subject, as it is written there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SaidSubject {
    pub(crate) revision: Option<String>,
    pub(crate) repository: Option<String>,
    pub(crate) job: Option<String>,
    pub(crate) base_revision: Option<String>,
    pub(crate) dirty: Option<bool>,
}

/// Options that say something of a subject of which nothing says the revision, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RevisionMissing(Vec<&'static str>);

impl RevisionMissing {
    pub(crate) const EXPECTED: &str = "`--revision REVISION`: a subject is a revision, and the rest is about it";

    pub(crate) fn message(&self) -> String {
        let names: Vec<_> = self.0.iter().map(|name| format!("`{name}`")).collect();
        format!("{} given, and nothing says of which revision", names.join(", "))
    }
}

impl SaidSubject {
    pub(crate) fn at(revision: Option<impl Into<String>>) -> Self {
        Self { revision: revision.map(Into::into), ..Self::default() }
    }

    /// An agent with its model, as a harness at a commit runs it: `AGENT MODEL COMMIT`, what is known of them.
    /// Without the commit, which is the only version of the three, or the model, that is not all that was tested.
    pub(crate) fn agent(agent: Option<&str>, model: Option<&str>, commit: Option<&str>) -> Self {
        // `unknown` is the harnesses' own word for none.
        let known = |text: &Option<&str>| text.is_some_and(|text| !matches!(text.trim(), "" | "unknown"));
        let [agent, model, commit] = [agent, model, commit].map(|text| text.filter(|_| known(&text)));
        if agent.or(model).is_none() {
            return Self::default();
        }
        let words: Vec<_> = [agent, model, commit].into_iter().flatten().collect();
        Self { dirty: (commit.is_none() || model.is_none()).then_some(true), ..Self::at(Some(words.join(" "))) }
    }

    /// The subject of a record: each member as the options say it, else as the data does.
    pub(crate) fn with(&self, options: &ConvertOptions) -> Result<Option<Subject>, RevisionMissing> {
        let Some(revision) = options.revision.clone().or_else(|| checked(self.revision.as_deref())) else {
            let given = given(options);
            return if given.is_empty() { Ok(None) } else { Err(RevisionMissing(given)) };
        };
        let own_repository = || self.repository.as_deref().and_then(repository_name);
        // What the data says about its own revision says nothing about another one.
        let own = options.revision.is_none();
        let base = || checked(self.base_revision.as_deref().filter(|_| own));
        Ok(Some(Subject {
            base_revision: options.base_revision.clone().or_else(base),
            dirty: options.dirty.or(self.dirty.filter(|_| own)),
            job: options.job.clone().or_else(|| checked(self.job.as_deref())),
            repository: options.repository.clone().or_else(own_repository),
            revision,
        }))
    }
}

fn given(options: &ConvertOptions) -> Vec<&'static str> {
    let ConvertOptions { repository, job, base_revision, dirty, .. } = options;
    let given = [
        ("--repository", repository.is_some()),
        ("--job", job.is_some()),
        ("--base-revision", base_revision.is_some()),
        ("--dirty", *dirty == Some(true)),
    ];
    given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect()
}

fn checked<T: std::str::FromStr>(text: Option<&str>) -> Option<T> {
    identifier(text?)?.parse().ok()
}

/// The name of a repository by its address: host and path, the same whether it is reached by HTTPS or SSH.
/// A user and a password in the address, which may be a token, are not part of it.
///
/// ```
/// use dome_adapters::repository_name;
/// let name = |address: &str| repository_name(address).map(|name| name.to_string());
/// assert_eq!(name("git@github.com:acme/app.git").as_deref(), Some("github.com/acme/app"));
/// assert_eq!(name("https://user:secret@github.com/acme/app/").as_deref(), Some("github.com/acme/app"));
/// assert_eq!(name("acme/app").as_deref(), Some("acme/app"));
/// assert_eq!(name("/srv/git/app.git"), None, "a folder of one machine names nothing on another");
/// ```
#[must_use]
pub fn repository_name(address: &str) -> Option<Repository> {
    let address = address.trim();
    let (place, is_address) = match address.split_once("://") {
        _ if address.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("file:")) => return None,
        Some((_, rest)) => (rest, true),
        None => (address, false),
    };
    let (host, path) = match place.split_once('/') {
        // `user@host:path`, as SSH has it without a scheme.
        _ if !is_address && is_scp(place) => place.split_once(':')?,
        Some((host, path)) => (host, path),
        None => (place, ""),
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    // A drive of Windows is one letter and a colon.
    if host.is_empty() || host.starts_with('.') || host.ends_with(':') || address.contains('\\') {
        return None;
    }
    let path = path.split(['?', '#']).next()?.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let host = if path.contains('/') || is_address { host.to_ascii_lowercase() } else { host.to_owned() };
    identifier(format!("{host}/{path}").trim_end_matches('/'))?.parse().ok()
}

/// Whether a text has a `:` before its first `/`, and something other than a drive before that.
fn is_scp(place: &str) -> bool {
    place.split_once(':').is_some_and(|(host, _)| host.len() > 1 && !host.contains('/'))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use dome_core::{Job, Revision};

    use super::*;

    fn name(address: &str) -> Option<String> {
        repository_name(address).map(|name| name.to_string())
    }

    #[test]
    fn a_repository_has_one_name_whatever_leads_to_it() {
        for address in [
            "https://github.com/acme/app",
            "https://github.com/acme/app.git",
            "https://GitHub.com/acme/app/",
            "https://x-access-token:ghs_0@github.com/acme/app.git",
            "ssh://git@github.com/acme/app.git",
            "git@github.com:acme/app.git",
            "github.com:acme/app",
            "git+https://github.com/acme/app.git?ref=main#readme",
        ] {
            assert_eq!(name(address).as_deref(), Some("github.com/acme/app"), "{address}");
        }
        assert_eq!(
            name("https://git.acme.example:8443/group/sub/app").as_deref(),
            Some("git.acme.example:8443/group/sub/app")
        );
        assert_eq!(name("Acme/App").as_deref(), Some("Acme/App"));
        assert_eq!(name("app").as_deref(), Some("app"));
    }

    #[test]
    fn a_place_on_one_machine_is_no_repository() {
        for address in
            ["/srv/git/app.git", "../app", "./app", "file:///srv/app", "file://host/app", "", "  ", "https://"]
        {
            assert_eq!(name(address), None, "{address}");
        }
        assert_eq!([name("C:\\repos\\app"), name("C:/repos/app"), name("file:/srv/app")], [None, None, None]);
    }

    #[test]
    fn options_outrank_the_data_member_by_member() {
        let said = SaidSubject {
            revision: Some(" abc\n".into()),
            repository: Some("https://github.com/acme/app.git".into()),
            job: Some("linux".into()),
            base_revision: Some("b0".into()),
            dirty: None,
        };
        let alone = said.with(&ConvertOptions::default()).unwrap().unwrap();
        assert_eq!(alone.base_revision.as_ref().map(Revision::as_str), Some("b0"));
        assert_eq!((alone.revision.as_str(), alone.job.as_ref().map(Job::as_str)), ("abc", Some("linux")));
        let options = ConvertOptions {
            revision: Some("v2".parse().unwrap()),
            job: Some("mac".parse().unwrap()),
            dirty: Some(false),
            ..ConvertOptions::default()
        };
        let both = said.with(&options).unwrap().unwrap();
        let repository = both.repository.as_ref().map(Repository::as_str);
        assert_eq!((both.revision.as_str(), repository, both.dirty), ("v2", Some("github.com/acme/app"), Some(false)));
        assert_eq!((both.job.as_ref().map(Job::as_str), both.base_revision), (Some("mac"), None));
    }

    #[test]
    fn a_job_without_a_revision_is_no_subject() {
        let options =
            ConvertOptions { job: Some("mac".parse().unwrap()), dirty: Some(true), ..ConvertOptions::default() };
        let nothing = SaidSubject::default();
        let missing = nothing.with(&options).unwrap_err();
        assert_eq!(missing.message(), "`--job`, `--dirty` given, and nothing says of which revision");
        assert_eq!(nothing.with(&ConvertOptions::default()), Ok(None));
        assert!(SaidSubject::at(Some("r")).with(&options).is_ok_and(|subject| subject.is_some()));
    }
}
