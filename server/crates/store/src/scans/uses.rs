//! Charts, values and images: spans that begin, spans that end.

use std::collections::BTreeMap;

use sea_orm::sea_query::{ExprTrait as _, OnConflict};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, Set};
use uuid::Uuid;

use super::regroup::regroup;
use crate::db::Result;
use crate::db::bulk::Bulk;
use crate::db::select::is_any;
use entity::input::{
    FoundChartUse, FoundChartValue, FoundImageUse, FoundReference, LinePoint, UsesBatch, ValueSpanKey,
};
use entity::table::{
    chart, chart_alias, chart_release, chart_source, chart_use, chart_value, image, image_use, reference, use_commit,
    value_path,
};
use entity::value::JsonText;

/// Spans that are ended by one statement.
const ENDED: usize = 100;

/// Stores what a batch began and ended.
pub(super) async fn write_uses(c: &impl ConnectionTrait, repository: Uuid, batch: &UsesBatch) -> Result<()> {
    write_names(c, batch).await?;
    let mut commits = Bulk::<_, use_commit::Entity>::new(c);
    for commit in &batch.commits {
        let row = use_commit::ActiveModel {
            repository_id: Set(repository),
            sequence: Set(commit.at.sequence),
            sha: Set(commit.id),
            time: Set(commit.at.time),
        };
        commits.push(row).await?;
    }
    commits.finish().await?;
    let mut releases = Bulk::<_, chart_release::Entity>::new(c);
    for release in &batch.releases {
        let row = chart_release::ActiveModel {
            id: Set(release.id),
            repository_id: Set(repository),
            first_sequence: Set(release.first_sequence),
        };
        releases.push(row).await?;
    }
    releases.finish().await?;
    end(c, batch).await?;
    let mut uses = Bulk::<_, chart_use::Entity>::new(c);
    for one in &batch.uses {
        uses.push(use_row(repository, one)).await?;
    }
    uses.finish().await?;
    let mut values = Bulk::<_, chart_value::Entity>::new(c);
    for one in &batch.values {
        values.push(value_row(one)).await?;
    }
    values.finish().await?;
    let mut images = Bulk::<_, image_use::Entity>::new(c);
    for one in &batch.image_uses {
        images.push(image_row(repository, one)).await?;
    }
    images.finish().await?;
    let mut references = Bulk::<_, reference::Entity>::new(c);
    for one in &batch.references {
        references.push(reference_row(repository, one)).await?;
    }
    references.finish().await?;
    Ok(())
}

/// Stores names that are new. In one order everywhere: two scans that store the same ones would else wait for each other.
///
/// They stay when their last use goes: a chart's address, those of its sources and kubesearch's keys of it lead to its page
/// for ever, and the page says that nobody has it any more. A name is one short row, however often it was used.
async fn write_names(c: &impl ConnectionTrait, batch: &UsesBatch) -> Result<()> {
    let charts: BTreeMap<i64, (&str, &str)> =
        batch.sources.iter().map(|source| (source.chart_id, (&*source.chart_key, &*source.chart_name))).collect();
    let known = |column| OnConflict::column(column).do_nothing().to_owned();
    let mut bulk = Bulk::<_, chart::Entity>::new(c).on_conflict(known(chart::Column::Id));
    for (id, (key, name)) in charts {
        bulk.push(chart::ActiveModel { id: Set(id), key: Set(key.to_owned()), name: Set(name.to_owned()) }).await?;
    }
    bulk.finish().await?;
    let sources: BTreeMap<i64, _> = batch.sources.iter().map(|source| (source.id, source)).collect();
    let former = regroup(c, &sources).await?;
    let known = OnConflict::column(chart_source::Column::Id).do_nothing().to_owned();
    let mut bulk = Bulk::<_, chart_source::Entity>::new(c).on_conflict(known);
    for (id, source) in sources {
        let row = chart_source::ActiveModel {
            id: Set(id),
            key: Set(source.key.clone()),
            url: Set(source.url.clone()),
            chart_id: Set(source.chart_id),
        };
        bulk.push(row).await?;
    }
    bulk.finish().await?;
    let mut aliases: Vec<&(String, i64)> = batch.aliases.iter().chain(&former).collect();
    aliases.sort_unstable();
    aliases.dedup();
    let known = OnConflict::columns([chart_alias::Column::Alias, chart_alias::Column::ChartId]).do_nothing().to_owned();
    let mut bulk = Bulk::<_, chart_alias::Entity>::new(c).on_conflict(known);
    for (alias, chart) in aliases {
        bulk.push(chart_alias::ActiveModel { alias: Set(alias.clone()), chart_id: Set(*chart) }).await?;
    }
    bulk.finish().await?;
    let known = OnConflict::column(value_path::Column::Id).do_nothing().to_owned();
    let mut bulk = Bulk::<_, value_path::Entity>::new(c).on_conflict(known);
    for (id, path) in in_order(&batch.paths) {
        bulk.push(value_path::ActiveModel { id: Set(id), path: Set(path.to_owned()) }).await?;
    }
    bulk.finish().await?;
    let known = OnConflict::column(image::Column::Id).do_nothing().to_owned();
    let mut bulk = Bulk::<_, image::Entity>::new(c).on_conflict(known);
    for (id, name) in in_order(&batch.images) {
        bulk.push(image::ActiveModel { id: Set(id), name: Set(name.to_owned()) }).await?;
    }
    bulk.finish().await?;
    Ok(())
}

fn in_order(names: &[(i64, String)]) -> BTreeMap<i64, &str> {
    names.iter().map(|(id, name)| (*id, name.as_str())).collect()
}

/// Ends the spans of earlier batches.
async fn end(c: &impl ConnectionTrait, batch: &UsesBatch) -> Result<()> {
    for these in batch.ended_uses.chunk_by(|(_, a), (_, b)| a == b).flat_map(|these| these.chunks(ENDED)) {
        let ended = chart_use::ActiveModel {
            to_sequence: Set(Some(these[0].1.sequence)),
            to_time: Set(Some(these[0].1.time)),
            ..Default::default()
        };
        let ids = is_any(chart_use::Column::Id.into_expr(), these.iter().map(|(id, _)| *id));
        chart_use::Entity::update_many().set(ended).filter(ids).exec(c).await?;
    }
    for these in batch.ended_images.chunk_by(|(_, a), (_, b)| a == b).flat_map(|these| these.chunks(ENDED)) {
        let ended = image_use::ActiveModel {
            to_sequence: Set(Some(these[0].1.sequence)),
            to_time: Set(Some(these[0].1.time)),
            ..Default::default()
        };
        let ids = is_any(image_use::Column::Id.into_expr(), these.iter().map(|(id, _)| *id));
        image_use::Entity::update_many().set(ended).filter(ids).exec(c).await?;
    }
    for these in batch.ended_references.chunk_by(|(_, a), (_, b)| a == b).flat_map(|these| these.chunks(ENDED)) {
        let ended = reference::ActiveModel {
            to_sequence: Set(Some(these[0].1.sequence)),
            to_time: Set(Some(these[0].1.time)),
            ..Default::default()
        };
        let ids = is_any(reference::Column::Id.into_expr(), these.iter().map(|(id, _)| *id));
        reference::Entity::update_many().set(ended).filter(ids).exec(c).await?;
    }
    let same = |(a, at): &(ValueSpanKey, LinePoint), (b, then): &(ValueSpanKey, LinePoint)| {
        at == then && a.release_id == b.release_id && a.from_sequence == b.from_sequence && a.ordinal == b.ordinal
    };
    let mut ended: Vec<(ValueSpanKey, LinePoint)> = batch.ended_values.clone();
    ended.sort_by_key(|(key, at)| (at.sequence, key.release_id, key.from_sequence, key.ordinal, key.path_id));
    for these in ended.chunk_by(same).flat_map(|these| these.chunks(ENDED)) {
        let (key, at) = these[0];
        let ended = chart_value::ActiveModel {
            to_sequence: Set(Some(at.sequence)),
            to_time: Set(Some(at.time)),
            ..Default::default()
        };
        let update = chart_value::Entity::update_many()
            .set(ended)
            .filter(chart_value::COLUMN.release_id.eq(key.release_id))
            .filter(is_any(chart_value::Column::PathId.into_expr(), these.iter().map(|(key, _)| key.path_id)))
            .filter(
                chart_value::COLUMN
                    .ordinal
                    .eq(key.ordinal)
                    .and(chart_value::COLUMN.from_sequence.eq(key.from_sequence)),
            );
        update.exec(c).await?;
    }
    Ok(())
}

fn use_row(repository: Uuid, one: &FoundChartUse) -> chart_use::ActiveModel {
    let facts = one.facts.clone();
    chart_use::ActiveModel {
        id: Set(one.id),
        repository_id: Set(repository),
        release_id: Set(one.release_id),
        chart_id: Set(facts.chart_id),
        source_id: Set(facts.source_id),
        file_path: Set(facts.file_path),
        document: Set(facts.document),
        part: Set(facts.part),
        kind: Set(facts.kind),
        name: Set(facts.name),
        release_name: Set(facts.release_name),
        namespace: Set(facts.namespace),
        chart_name: Set(facts.chart_name),
        source_url: Set(facts.source_url),
        version: Set(facts.version),
        version_kind: Set(facts.version_kind),
        digest: Set(facts.digest),
        how: Set(facts.how),
        reason: Set(facts.reason),
        by_name: Set(facts.by_name),
        rendered: Set(facts.rendered),
        values_resolved: Set(facts.values_resolved),
        values_missing: Set(facts.values_missing),
        values_secret: Set(facts.values_secret),
        variables: Set((!facts.variables.is_empty()).then_some(JsonText(facts.variables))),
        from_sequence: Set(one.span.from.sequence),
        from_time: Set(one.span.from.time),
        to_sequence: Set(one.span.to.map(|to| to.sequence)),
        to_time: Set(one.span.to.map(|to| to.time)),
    }
}

fn value_row(one: &FoundChartValue) -> chart_value::ActiveModel {
    chart_value::ActiveModel {
        release_id: Set(one.key.release_id),
        path_id: Set(one.key.path_id),
        ordinal: Set(one.key.ordinal),
        from_sequence: Set(one.key.from_sequence),
        from_time: Set(one.span.from.time),
        to_sequence: Set(one.span.to.map(|to| to.sequence)),
        to_time: Set(one.span.to.map(|to| to.time)),
        chart_id: Set(one.chart_id),
        kind: Set(one.facts.kind),
        text: Set(one.facts.text.clone()),
        masked: Set(one.facts.masked),
        file_path: Set(one.file_path.clone()),
        line: Set(one.line),
    }
}

fn image_row(repository: Uuid, one: &FoundImageUse) -> image_use::ActiveModel {
    let facts = one.facts.clone();
    image_use::ActiveModel {
        id: Set(one.id),
        repository_id: Set(repository),
        release_id: Set(facts.release_id),
        chart_id: Set(facts.chart_id),
        place: Set(facts.place),
        file_path: Set(facts.file_path),
        document: Set(facts.document),
        kind: Set(facts.kind),
        name: Set(facts.name),
        path: Set(facts.path),
        ordinal: Set(one.ordinal),
        state: Set(facts.state),
        image_id: Set(facts.image_id),
        tag: Set(facts.tag),
        digest: Set(facts.digest),
        written: Set(facts.written),
        variables: Set((!facts.variables.is_empty()).then_some(JsonText(facts.variables))),
        from_sequence: Set(one.span.from.sequence),
        from_time: Set(one.span.from.time),
        to_sequence: Set(one.span.to.map(|to| to.sequence)),
        to_time: Set(one.span.to.map(|to| to.time)),
    }
}

fn reference_row(repository: Uuid, one: &FoundReference) -> reference::ActiveModel {
    let one = one.clone();
    reference::ActiveModel {
        id: Set(one.id),
        repository_id: Set(repository),
        key: Set(one.key),
        file_path: Set(one.file_path),
        from_kind: Set(one.from_kind),
        from_name: Set(one.from_name),
        field: Set(one.field),
        kind: Set(one.kind),
        namespace: Set(one.namespace),
        name: Set(one.name),
        status: Set(one.status),
        from_sequence: Set(one.span.from.sequence),
        from_time: Set(one.span.from.time),
        to_sequence: Set(one.span.to.map(|to| to.sequence)),
        to_time: Set(one.span.to.map(|to| to.time)),
    }
}
