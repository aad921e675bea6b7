//! Webhooks that came in, as people see them.

use sea_orm::{EntityTrait as _, QueryFilter as _, QueryOrder as _};
use uuid::Uuid;

use crate::db::select::{count, paged};
use crate::db::{ConnectionTrait, Result};
use entity::table::webhook_receipt;
use entity::view::{Listing, PageQuery, WebhookReceipt};

/// Webhooks of a repository that were taken, the newest first.
pub async fn list_receipts(
    c: &impl ConnectionTrait,
    repository: Uuid,
    page: PageQuery,
) -> Result<Listing<WebhookReceipt>> {
    use webhook_receipt::Column::{DeliveryId, ReceivedAt};
    let receipts = webhook_receipt::Entity::find().filter(webhook_receipt::COLUMN.repository_id.eq(repository));
    let count = count(c, receipts.clone()).await?;
    let rows = paged(receipts.order_by_desc(ReceivedAt).order_by_desc(DeliveryId), page).all(c).await?;
    let receipt = |row: webhook_receipt::Model| WebhookReceipt {
        delivery_id: row.delivery_id,
        event: row.event,
        received_at: row.received_at.into(),
        result: row.result,
    };
    Ok(Listing { data: rows.into_iter().map(receipt).collect(), count })
}
