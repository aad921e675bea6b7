use entity::view::{Account, SecondFactorPicture};
use leptos::prelude::*;

use super::act::{BeginSecondFactor, ConfirmSecondFactor, RemoveSecondFactor};
use crate::components::{ActForm, CopyButton, Glyph, Icon, InputField, Notice, Section};

/// The second factor: off, being set up, or on.
pub(super) fn view(account: &Account, picture: Option<SecondFactorPicture>, codes: Option<Vec<String>>) -> AnyView {
    let body = match (account.has_second_factor, picture) {
        (true, _) => on(account.has_password),
        (false, Some(picture)) => confirm(picture),
        (false, None) => begin(account.has_password),
    };
    view! { <Section title="Two-factor sign-in" id="second-factor">{codes.map(recovery)} {body}</Section> }.into_any()
}

/// Whoever has none has to have signed in just now.
fn password(within: &'static str, has_password: bool) -> Option<AnyView> {
    has_password.then(|| {
        view! { <InputField name="password" label="Password" kind="password" autocomplete="current-password" within=within /> }
            .into_any()
    })
}

fn begin(has_password: bool) -> AnyView {
    let action = ServerAction::<BeginSecondFactor>::new();
    view! {
        <p class="quiet">
            "With this on, signing in also takes a code from an authenticator app on your phone, so a stolen password is not enough."
        </p>
        <ActForm action class="settings-form" clear=true>
            {password("begin", has_password)}
            <p><button type="submit" class="button">"Set up two-factor sign-in"</button></p>
        </ActForm>
    }
    .into_any()
}

fn confirm(picture: SecondFactorPicture) -> AnyView {
    let action = ServerAction::<ConfirmSecondFactor>::new();
    let SecondFactorPicture { secret, url, svg } = picture;
    view! {
        <ol class="settings-steps">
            <li>
                <p>"Scan this picture with your authenticator app, "<a href=url rel="external">"open it in an app on this device"</a>", or type the key."</p>
                <div class="qr" inner_html=svg></div>
                <p class="secret"><code>{secret.clone()}</code> <CopyButton text=secret what="key" /></p>
            </li>
            <li>
                <ActForm action class="settings-form" clear=true>
                    <InputField
                        name="code"
                        label="The code that the app shows"
                        autocomplete="one-time-code"
                        inputmode="numeric"
                        within="confirm"
                        hint="Your other sessions are signed out."
                    />
                    <p><button type="submit" class="button primary">"Turn on"</button></p>
                </ActForm>
            </li>
        </ol>
    }
    .into_any()
}

fn recovery(codes: Vec<String>) -> AnyView {
    let all = codes.join("\n");
    let list = codes.into_iter().map(|code| view! { <li><code>{code}</code></li> }).collect_view();
    view! {
        <div class="once" role="status">
            <p>
                <strong>"Save these recovery codes now. They are shown only this once."</strong>
                " Each lets you in once if you lose your device."
            </p>
            <ul class="codes">{list}</ul>
            <p><span class="needs-script">"Copy all "</span><CopyButton text=all what="recovery codes" /></p>
        </div>
    }
    .into_any()
}

fn on(has_password: bool) -> AnyView {
    let action = ServerAction::<RemoveSecondFactor>::new();
    view! {
        <p class="status" data-tone="good"><Icon glyph=Glyph::Check /> "On: signing in takes a code from your authenticator app."</p>
        <details class="disclosure">
            <summary>"Turn off…"</summary>
            <Notice tone="warn">"Your password alone will then let anybody in. The recovery codes stop working."</Notice>
            <ActForm action class="settings-form" clear=true>
                {password("remove", has_password)}
                <p><button type="submit" class="button danger">"Turn off two-factor sign-in"</button></p>
            </ActForm>
        </details>
    }
    .into_any()
}
