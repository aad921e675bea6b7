//! The document, the frame around every page, and the routes.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{A, Route, Router, Routes};
use leptos_router::{Lazy, SsrMode, path};

use crate::busy::provide_busy;
use crate::components::{Glyph, Icon};
use crate::live::provide_live;
use crate::pages;
use crate::theme::ThemeSwitch;

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
    provide_live();
    let busy = provide_busy();
    #[cfg(feature = "hydrate")]
    pages::arrival::note();
    crate::reload::provide_outdated();
    view! {
        <Title text=title_so_far() formatter=titled />
        <Router>
            <a class="skip" href="#main">"Skip to the content"</a>
            <div class="frame">
                <Rail />
                <TopBar />
                <main id="main" class="page" tabindex="-1" aria-busy=move || busy.attribute()>
                    <Routes fallback=|| view! { <pages::NotFound /> }>
                        <Route path=path!("/") view={Lazy::<pages::lazy::Overview>::new()} ssr=SsrMode::Async />
                        <Route path=path!("/repositories") view={Lazy::<pages::lazy::Repositories>::new()} ssr=SsrMode::Async />
                        <Route path=path!("/repositories/add") view={Lazy::<pages::lazy::Manage>::new()} ssr=SsrMode::Async />
                        <Route path=path!("/repositories/confirm") view={Lazy::<pages::lazy::Manage>::new()} ssr=SsrMode::Async />
                        <Route path=path!("/repositories/coverage") view={Lazy::<pages::lazy::Manage>::new()} ssr=SsrMode::Async />
                        <Route path=path!("/repositories/:id") view={Lazy::<pages::lazy::Repository>::new()} ssr=SsrMode::Async />
                        <Route path=path!("/resources") view={Lazy::<pages::lazy::Resources>::new()} ssr=SsrMode::Async />
                        <Route path=path!("/resources/:id") view={Lazy::<pages::lazy::Resource>::new()} ssr=SsrMode::Async />
                        <Route path=path!("/commits/:repository/:sha") view={Lazy::<pages::lazy::Commit>::new()} ssr=SsrMode::Async />
                        <Route path=path!("/ecosystem") view={Lazy::<pages::lazy::Ecosystem>::new()} ssr=SsrMode::Async />
                        <Route path=path!("/tasks") view={Lazy::<pages::lazy::Tasks>::new()} ssr=SsrMode::Async />
                        <Route path=path!("/tasks/:id") view={Lazy::<pages::lazy::Job>::new()} ssr=SsrMode::Async />
                        <Route path=path!("/dev/components") view={Lazy::<pages::lazy::ComponentsGallery>::new()} ssr=SsrMode::Async />
                    </Routes>
                </main>
                <pages::Connection />
            </div>
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
    match text.as_str() {
        "" => "Kubestats".to_owned(),
        whole if whole.ends_with("Kubestats") => text,
        page => format!("{page} · Kubestats"),
    }
}

/// Where one can go, on the left; a drawer on phones that opens without JavaScript.
#[component]
fn Rail() -> impl IntoView {
    let place = |href: &'static str, label: &'static str, glyph: Glyph, exact: bool| {
        view! {
            <li>
                <A href=href exact=exact attr:title=label>
                    <Icon glyph />
                    <span class="rail-label">{label}</span>
                </A>
            </li>
        }
    };
    view! {
        <nav class="site" aria-label="Site">
        <input type="checkbox" id="drawer" class="drawer-state sr-only" aria-label="Show the menu" />
        <label class="drawer-button" for="drawer" aria-hidden="true"><Icon glyph=Glyph::Menu /></label>
        <label class="drawer-shade" for="drawer" aria-hidden="true"></label>
        <div class="rail">
            <a class="brand" href="/">
                <svg class="brand-mark" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" inner_html=BRAND></svg>
                <span class="rail-label">"Kubestats"</span>
            </a>
            <ul>
                {place("/", "Overview", Glyph::Overview, true)}
                {place("/repositories", "Repositories", Glyph::Repository, false)}
                {place("/resources", "Resources", Glyph::Resource, false)}
                {place("/ecosystem", "Ecosystem", Glyph::Chart, false)}
                {place("/tasks", "Tasks", Glyph::Busy, false)}
            </ul>
            <div class="rail-foot">
                <pages::SystemLine />
            </div>
        </div>
        </nav>
    }
}

/// A commit line through a hexagon: Git's history of Kubernetes.
const BRAND: &str = concat!(
    r#"<path d="M12 1.8 20.8 6.9v10.2L12 22.2 3.2 17.1V6.9z" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round"/>"#,
    r#"<path d="M12 6v12" stroke="currentColor" stroke-width="1.8" stroke-linecap="round"/>"#,
    r#"<circle cx="12" cy="12" r="2.6" fill="currentColor"/>"#,
);

/// Search and theme; the page at hand lays its breadcrumb into the bar.
#[component]
fn TopBar() -> impl IntoView {
    view! {
        <header class="top-bar">
            <search class="top-search">
                <form method="get" action="/resources">
                    <label class="sr-only" for="search">"Search resources"</label>
                    <span class="input">
                        <Icon glyph=Glyph::Search />
                        <input id="search" type="search" name="text" placeholder="Search resources" autocomplete="off" aria-keyshortcuts="/ Control+K" />
                        <kbd class="needs-script" aria-hidden="true">"/"</kbd>
                    </span>
                </form>
            </search>
            <ThemeSwitch />
        </header>
    }
}
