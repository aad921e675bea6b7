use entity::kind::Permission;
use entity::view::ViewerAccount;
use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::components::{Glyph, Icon, PageUrl};
use crate::reload::Wanted;
use crate::viewer::viewer;

/// Who is signed in and where that leads, or the way to sign in. It opens without scripts; what it leads to is loaded anew, so
/// that it closes.
#[component]
pub fn AccountMenu() -> impl IntoView {
    let viewer = viewer();
    let admin = viewer.may(Permission::Admin);
    match viewer.account {
        Some(account) => menu(account, admin),
        None => sign_in(),
    }
}

fn sign_in() -> AnyView {
    let (place, wanted) = (use_location(), Wanted::new());
    let is_there =
        move || place.pathname.with(|path| ["/sign-in", "/set-up", "/welcome"].iter().any(|at| path.starts_with(at)));
    // Nobody is led back to where they are now.
    let href = move || match is_there() {
        true => "/sign-in".to_owned(),
        false => PageUrl::new("/sign-in").with("from", wanted.address_here()).href(),
    };
    view! { <a class="button sign-in-link" href=href rel="external" hidden=is_there>"Sign in"</a> }.into_any()
}

fn menu(account: ViewerAccount, admin: bool) -> AnyView {
    let ViewerAccount { email, full_name, .. } = account;
    let name = full_name.unwrap_or_else(|| email.clone());
    let admin = admin.then(|| view! { <li><a href="/admin/users" rel="external">"Administration"</a></li> });
    let label = format!("Account: {name}");
    view! {
        <button type="button" class="account-button" popovertarget="account-menu" aria-label=label title=email.clone()>
            <Icon glyph=Glyph::Account />
            <span class="account-name">{name}</span>
        </button>
        <div id="account-menu" class="account-menu" popover="auto">
            <p class="quiet">"Signed in as " <strong>{email}</strong></p>
            <ul>
                <li><a href="/account" rel="external">"Your account"</a></li>
                {admin}
            </ul>
            <form method="post" action="/sign-out"><button type="submit" class="button">"Sign out"</button></form>
        </div>
    }
    .into_any()
}
