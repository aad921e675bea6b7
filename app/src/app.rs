//! The document and the site in it.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::Router;

use crate::busy::provide_busy;
use crate::components::provide_clock;
use crate::frame::Frame;
use crate::live::provide_live;
use crate::pages;

/// The document around the site. Everything in it is of this answer alone: theme and nonce.
#[cfg(feature = "ssr")]
pub fn shell(assets: &crate::context::Assets) -> impl IntoView + use<> {
    use leptos::nonce::use_nonce;
    use leptos_meta::MetaTags;

    // The page reads as it came, so the WebAssembly waits until it is painted (pages that nobody sees never are) and
    // leaves the line to style and fonts. Then the page's own parts come along with the main one.
    let start = format!(
        "import init, {{ hydrate }} from {:?};\n\
         await new Promise((go) => {{ requestAnimationFrame(() => setTimeout(go)); setTimeout(go, 500); }});\n\
         for (const link of document.querySelectorAll('link[rel=parts]')) link.rel = 'preload';\n\
         await init({{ module_or_path: {:?} }});\nhydrate();",
        assets.js, assets.wasm
    );
    let assets = assets.clone();
    provide_context(assets.clone());
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=crate::theme::current_theme() data-build=assets.build data-live=assets.live>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="description" content="What runs in Kubernetes, told by the Git repositories that run it." />
                <link rel="stylesheet" href=assets.css />
                {assets
                    .font
                    .map(|font| {
                        view! { <link rel="preload" href=font r#as="font" r#type="font/woff2" crossorigin="anonymous" /> }
                    })}
                <link rel="icon" href=assets.icon r#type="image/svg+xml" />
                <link rel="modulepreload" href=assets.js />
                <script type="module" src=assets.ui></script>
                <script type="module" nonce=use_nonce() inner_html=start></script>
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// The site: frame and routes.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    crate::viewer::provide_viewer();
    if crate::viewer::may(entity::kind::Permission::Read) {
        provide_live();
    }
    provide_clock();
    let busy = provide_busy();
    crate::reload::provide_outdated();
    view! {
        <Title text=title_so_far() formatter=titled />
        <Router>
            <a class="skip" href="#main">"Skip to the content"</a>
            <Frame busy>
                <pages::Pages />
            </Frame>
        </Router>
    }
}

/// The title until a page says its own: what the server sent, while the browser still fetches the page's part.
fn title_so_far() -> String {
    #[cfg(feature = "hydrate")]
    return document().title();
    #[cfg(not(feature = "hydrate"))]
    String::new()
}

fn titled(text: String) -> String {
    let title = match text.as_str() {
        "" => "Kubestats".to_owned(),
        whole if whole.ends_with("Kubestats") => text,
        page => format!("{page} · Kubestats"),
    };
    // On the server it is written into the document as it is, and names of others stand in it.
    if cfg!(feature = "ssr") { title.replace('&', "&amp;").replace('<', "&lt;") } else { title }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::titled;

    #[test]
    fn a_name_in_the_title_ends_no_element() {
        assert_eq!(titled(String::new()), "Kubestats");
        assert_eq!(titled("a & </title><b>".to_owned()), "a &amp; &lt;/title>&lt;b> · Kubestats");
        assert_eq!(titled("<b> · Kubestats".to_owned()), "&lt;b> · Kubestats");
    }
}
