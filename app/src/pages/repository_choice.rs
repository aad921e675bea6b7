//! The filter of lists over many repositories that leaves one of them.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::components::{Chip, Choice, Select, TextField};

/// Which repositories there are to choose from, and which one is chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RepositoryChoice {
    /// Id and full name of all of them, by name; nothing where they are too many for a list. Their names are typed then.
    names: Option<Vec<(Uuid, String)>>,
    /// The one that the address means.
    chosen: Option<(Uuid, String)>,
    /// What the address says, or the name that means the same where names are typed.
    asked: Option<String>,
}

impl RepositoryChoice {
    /// Has the filter that is set say a name where the address says an id.
    pub(super) fn tell(&self, chips: &mut [Chip]) {
        for chip in chips.iter_mut().filter(|chip| chip.key == "repository") {
            if let Some((_, name)) = &self.chosen {
                chip.value.clone_from(name);
            }
        }
    }

    /// Whether the address means one that is not there.
    pub(super) fn is_missing(&self) -> bool {
        self.chosen.is_none() && self.asked.is_some()
    }

    /// Where one chooses.
    pub(super) fn field(self) -> AnyView {
        let is_missing = self.is_missing();
        let Some(names) = self.names else {
            let error =
                is_missing.then(|| "No repository has this in its name, or several have. Type owner/name.".to_owned());
            return view! {
                <TextField
                    name="repository"
                    label="Repository"
                    placeholder="Repository"
                    search=true
                    value=self.asked
                    error
                />
            }
            .into_any();
        };
        let selected = self.chosen.map(|(id, _)| id.to_string()).or(self.asked);
        let choices = names.into_iter().map(|(id, name)| Choice::new(id.to_string(), name)).collect();
        view! { <Select name="repository" label="Repository" choices selected /> }.into_any()
    }
}

#[cfg(feature = "ssr")]
impl RepositoryChoice {
    /// So many are listed; one more is asked for, which tells that there are others.
    pub(in crate::pages) const MOST: u64 = 100;

    /// What an address says of it, beside the first of those that there are.
    pub(in crate::pages) async fn read(
        c: &impl store::db::ConnectionTrait,
        params: &leptos_router::params::ParamsMap,
        first: Vec<(Uuid, String)>,
    ) -> Result<Self, crate::error::AppError> {
        use store::repositories::find_meant;

        let names = (first.len() as u64 <= Self::MOST).then_some(first);
        let asked = crate::pages::ask::text(params, "repository")?;
        let chosen = match &asked {
            Some(text) => find_meant(c, text).await?,
            None => None,
        };
        let asked = match &chosen {
            Some((_, name)) if names.is_none() && find_meant(c, name).await? == chosen => Some(name.clone()),
            _ => asked,
        };
        Ok(Self { names, chosen, asked })
    }

    /// The id of the one that is chosen.
    pub(in crate::pages) fn id(&self) -> Option<Uuid> {
        self.chosen.as_ref().map(|(id, _)| *id)
    }
}
