use entity::view::{GroupedResource, Listing, PageQuery, Resource, ResourceFacets, Timestamp};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::pages::repository_choice::RepositoryChoice;

/// What the list of resources shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourcesData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub list: ResourceList,
    /// Which rows are here.
    pub page: PageQuery,
    pub facets: ResourceFacets,
    /// Repositories to filter by.
    pub(in crate::pages) repositories: RepositoryChoice,
}

/// One row a resource, or one row a kind and name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ResourceList {
    Table(Listing<Resource>),
    Grouped(Listing<GroupedResource>),
}

/// Which resources, as the page's address says.
#[server(prefix = "/ui", endpoint = "resources", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn list_resources(query: String) -> Result<ResourcesData, AppError> {
    use crate::pages::ask;
    use store::{repositories, resources};

    let (db, params) = (ask::context()?.db, ask::params(&query)?);
    let first = repositories::list_names(&db.read, RepositoryChoice::MOST + 1).await?;
    let repositories = RepositoryChoice::read(&db.read, &params, first).await?;
    let filter = resource_filter(&params, repositories.id())?;
    let unknown = is_unknown_status(&params) || repositories.is_missing();
    let list = match params.get_str("view") == Some("grouped") {
        true if unknown => ResourceList::Grouped(Listing::default()),
        true => ResourceList::Grouped(resources::list_grouped(&db.read, &filter).await?),
        false if unknown => ResourceList::Table(Listing::default()),
        false => ResourceList::Table(resources::list_resources(&db.read, &filter).await?),
    };
    Ok(ResourcesData {
        now: ask::now(),
        list,
        page: filter.page,
        facets: resources::resource_facets(&db.read, &filter).await?,
        repositories,
    })
}

#[cfg(feature = "ssr")]
pub(in crate::pages) use read::{is_unknown_status, resource_filter};

#[cfg(feature = "ssr")]
mod read {
    use entity::kind::ResourceStatus;
    use entity::view::{ResourceFilter, ResourceSort, Sort};
    use leptos_router::params::ParamsMap;
    use uuid::Uuid;

    use crate::error::AppError;
    use crate::pages::ask;

    pub(in crate::pages) fn resource_filter(
        params: &ParamsMap,
        repository_id: Option<Uuid>,
    ) -> Result<ResourceFilter, AppError> {
        let sort = ask::serde_word(params, "sort").unwrap_or_default();
        let direction =
            if matches!(sort, ResourceSort::Name | ResourceSort::Kind) { Sort::Ascending } else { Sort::Descending };
        // Without a choice the list shows what stands, not what is long gone.
        let statuses = match params.get_str("status") {
            Some("all") => Vec::new(),
            _ => vec![ask::word(params, "status").unwrap_or(ResourceStatus::Active)],
        };
        Ok(ResourceFilter {
            repository_id,
            kind: ask::text(params, "kind")?,
            name: ask::text(params, "name")?,
            chart: ask::text(params, "chart")?,
            api_version: ask::text(params, "api_version")?,
            namespace: ask::text(params, "namespace")?,
            statuses,
            text: ask::text(params, "text")?,
            sort,
            direction: ask::direction(params, direction),
            with_data: false,
            page: ask::page(params, 50),
        })
    }

    /// Whether the address filters by a status that no resource can have.
    pub(in crate::pages) fn is_unknown_status(params: &ParamsMap) -> bool {
        params.get_str("status") != Some("all") && ask::is_unknown::<ResourceStatus>(params, "status")
    }
}
