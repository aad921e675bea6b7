//! Ids that say whether what has them counts. A repository counts once, by its main row; of its other branches that are scanned,
//! repository, resources and events have ids beyond all others. So every row that names one of these tells it by itself, and
//! whoever counts over all repositories needs to ask nobody.

use uuid::Uuid;

/// The first id that does not count. Ids of version 7 begin with a time, and are below this one until the year 10609.
pub const FIRST_UNCOUNTED: Uuid = Uuid::from_u128(0xf8 << 120);

/// The same id among those that do not count; the order of such from times before the year 2248 stays.
#[must_use]
pub const fn uncounted(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128() | FIRST_UNCOUNTED.as_u128())
}

/// Whether what has this id is left out where all repositories are counted.
#[must_use]
pub const fn is_uncounted(id: Uuid) -> bool {
    id.as_u128() >= FIRST_UNCOUNTED.as_u128()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_do_not_count_come_after_all_others_in_their_own_order() {
        let at = |seconds| Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, 0));
        // The year 9999.
        let latest = at(253_402_300_799);
        let ids = [at(0), at(1_090_000_000), at(1_790_000_000), at(7_258_118_400)];
        assert!(!is_uncounted(latest) && ids.iter().all(|id| *id <= latest && !is_uncounted(*id)));
        let beside = ids.map(uncounted);
        assert!(beside.is_sorted() && beside.iter().all(|id| is_uncounted(*id) && *id > latest));
        assert_eq!((beside[0].get_version_num(), beside.map(uncounted)), (7, beside));
    }
}
