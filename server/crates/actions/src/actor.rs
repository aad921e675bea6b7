use entity::kind::RequestedBy;

/// Where something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// A page's form.
    Page,
    /// REST.
    Api,
    /// A command.
    Cli,
    /// A schedule whose time has come.
    Schedule,
}

/// Who asks. Made by a door once it has found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    door: Door,
}

impl Actor {
    /// Whoever is at this door: there are no accounts yet, so that everybody who gets there may act.
    #[must_use]
    pub const fn anyone(door: Door) -> Self {
        Self { door }
    }

    /// As jobs remember it.
    pub(crate) const fn requested_by(self) -> RequestedBy {
        match self.door {
            Door::Page => RequestedBy::Page,
            Door::Api => RequestedBy::Api,
            Door::Cli => RequestedBy::Cli,
            Door::Schedule => RequestedBy::Schedule,
        }
    }
}
