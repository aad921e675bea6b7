//! Uses as they are open at a commit: what a scan goes on from, and what a rewritten history goes back to.

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _, Set,
};
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use entity::input::{ChartUseFacts, ImageUseFacts, KnownChartUse, KnownImageUse, KnownValue, ValueFacts, ValueSpanKey};
use entity::table::{chart_release, chart_use, chart_value, image_use, reference, use_commit};
use entity::value::JsonText;

/// Spans that cover a place on the line.
fn covers(from: impl ColumnTrait, to: impl ColumnTrait, sequence: i64) -> Condition {
    Condition::all()
        .add(ColumnTrait::lte(&from, sequence))
        .add(ColumnTrait::is_null(&to).or(ColumnTrait::gt(&to, sequence)))
}

/// The uses of a repository at a place on its line.
pub async fn known_uses(c: &impl ConnectionTrait, repository: Uuid, sequence: i64) -> Result<Vec<KnownChartUse>> {
    use chart_use::Column::{FromSequence, Id, ToSequence};
    let uses = chart_use::Entity::find()
        .filter(chart_use::COLUMN.repository_id.eq(repository))
        .filter(covers(FromSequence, ToSequence, sequence))
        .order_by_asc(Id);
    Ok(uses.all(c).await?.into_iter().map(known_use).collect())
}

/// The values of a release at a place on its line.
pub async fn known_values(c: &impl ConnectionTrait, release: i64, sequence: i64) -> Result<Vec<KnownValue>> {
    use chart_value::Column::{FromSequence, ToSequence};
    let values = chart_value::Entity::find().filter(chart_value::COLUMN.release_id.eq(release)).filter(covers(
        FromSequence,
        ToSequence,
        sequence,
    ));
    let known = |row: chart_value::Model| KnownValue {
        key: ValueSpanKey {
            release_id: row.release_id,
            path_id: row.path_id,
            ordinal: row.ordinal,
            from_sequence: row.from_sequence,
        },
        facts: ValueFacts { kind: row.kind, text: row.text, masked: row.masked },
    };
    Ok(values.all(c).await?.into_iter().map(known).collect())
}

/// The images of a repository at a place on its line.
pub async fn known_images(c: &impl ConnectionTrait, repository: Uuid, sequence: i64) -> Result<Vec<KnownImageUse>> {
    use image_use::Column::{FromSequence, Id, ToSequence};
    let images = image_use::Entity::find()
        .filter(image_use::COLUMN.repository_id.eq(repository))
        .filter(covers(FromSequence, ToSequence, sequence))
        .order_by_asc(Id);
    Ok(images.all(c).await?.into_iter().map(known_image).collect())
}

/// References of a repository at a place on its line: the keys of their edges, and their ids.
pub async fn known_references(c: &impl ConnectionTrait, repository: Uuid, sequence: i64) -> Result<Vec<(i64, i64)>> {
    use reference::Column::{FromSequence, Id, Key, ToSequence};
    let references = reference::Entity::find().filter(reference::COLUMN.repository_id.eq(repository)).filter(covers(
        FromSequence,
        ToSequence,
        sequence,
    ));
    Ok(references.select_only().columns([Key, Id]).into_tuple().all(c).await?)
}

/// The newest time of what is stored up to a place on the line.
pub async fn newest_use_time(c: &impl ConnectionTrait, repository: Uuid, sequence: i64) -> Result<Option<i64>> {
    let commits = use_commit::Entity::find()
        .filter(use_commit::COLUMN.repository_id.eq(repository))
        .filter(use_commit::COLUMN.sequence.lte(sequence))
        .order_by_desc(use_commit::Column::Sequence);
    Ok(commits.select_only().column(use_commit::Column::Time).into_tuple().one(c).await?)
}

/// Takes back what began after a place on the line, and opens again what ended after it.
pub(super) async fn rewind_uses(c: &impl ConnectionTrait, repository: Uuid, last: i64) -> Result<()> {
    let releases = || chart_release::Entity::find().filter(chart_release::COLUMN.repository_id.eq(repository));
    let these = || releases().select_only().column(chart_release::Column::Id).into_query();
    let later = chart_value::COLUMN.from_sequence.gt(last);
    let of = || chart_value::Column::ReleaseId.in_subquery(these());
    chart_value::Entity::delete_many().filter(of()).filter(later).exec(c).await?;
    let nothing = || Expr::val(None::<i64>);
    let reopened = chart_value::Entity::update_many()
        .col_expr(chart_value::Column::ToSequence, nothing())
        .col_expr(chart_value::Column::ToTime, nothing())
        .filter(of())
        .filter(chart_value::COLUMN.to_sequence.gt(last));
    reopened.exec(c).await?;

    let later = chart_use::COLUMN.repository_id.eq(repository).and(chart_use::COLUMN.from_sequence.gt(last));
    chart_use::Entity::delete_many().filter(later).exec(c).await?;
    let open = chart_use::ActiveModel { to_sequence: Set(None), to_time: Set(None), ..Default::default() };
    let ended = chart_use::COLUMN.repository_id.eq(repository).and(chart_use::COLUMN.to_sequence.gt(last));
    chart_use::Entity::update_many().set(open).filter(ended).exec(c).await?;

    let later = image_use::COLUMN.repository_id.eq(repository).and(image_use::COLUMN.from_sequence.gt(last));
    image_use::Entity::delete_many().filter(later).exec(c).await?;
    let open = image_use::ActiveModel { to_sequence: Set(None), to_time: Set(None), ..Default::default() };
    let ended = image_use::COLUMN.repository_id.eq(repository).and(image_use::COLUMN.to_sequence.gt(last));
    image_use::Entity::update_many().set(open).filter(ended).exec(c).await?;

    let later = reference::COLUMN.repository_id.eq(repository).and(reference::COLUMN.from_sequence.gt(last));
    reference::Entity::delete_many().filter(later).exec(c).await?;
    let open = reference::ActiveModel { to_sequence: Set(None), to_time: Set(None), ..Default::default() };
    let ended = reference::COLUMN.repository_id.eq(repository).and(reference::COLUMN.to_sequence.gt(last));
    reference::Entity::update_many().set(open).filter(ended).exec(c).await?;

    let later = chart_release::COLUMN.repository_id.eq(repository);
    let later = later.and(chart_release::COLUMN.first_sequence.gt(last));
    chart_release::Entity::delete_many().filter(later).exec(c).await?;
    let later = use_commit::COLUMN.repository_id.eq(repository).and(use_commit::COLUMN.sequence.gt(last));
    use_commit::Entity::delete_many().filter(later).exec(c).await?;
    Ok(())
}

fn known_use(row: chart_use::Model) -> KnownChartUse {
    KnownChartUse {
        id: row.id,
        release_id: row.release_id,
        facts: ChartUseFacts {
            chart_id: row.chart_id,
            source_id: row.source_id,
            file_path: row.file_path,
            document: row.document,
            part: row.part,
            kind: row.kind,
            name: row.name,
            release_name: row.release_name,
            namespace: row.namespace,
            chart_name: row.chart_name,
            source_url: row.source_url,
            version: row.version,
            version_kind: row.version_kind,
            digest: row.digest,
            how: row.how,
            reason: row.reason,
            by_name: row.by_name,
            rendered: row.rendered,
            values_resolved: row.values_resolved,
            values_missing: row.values_missing,
            values_secret: row.values_secret,
            variables: row.variables.map(|JsonText(variables)| variables).unwrap_or_default(),
        },
    }
}

fn known_image(row: image_use::Model) -> KnownImageUse {
    KnownImageUse {
        id: row.id,
        ordinal: row.ordinal,
        facts: ImageUseFacts {
            release_id: row.release_id,
            chart_id: row.chart_id,
            place: row.place,
            file_path: row.file_path,
            document: row.document,
            kind: row.kind,
            name: row.name,
            path: row.path,
            state: row.state,
            image_id: row.image_id,
            tag: row.tag,
            digest: row.digest,
            written: row.written,
            variables: row.variables.map(|JsonText(variables)| variables).unwrap_or_default(),
        },
    }
}
