//! How many connections there may be, in all and from one address, and whose is closed when there is no seat left.
//!
//! A newcomer is not turned away while somebody sits there without a request: whoever waits longest goes. Only where all
//! seats are at work is a newcomer given one of a few reserved seats, on which it is told how the program is, or to come
//! again.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::progress::Progress;
use crate::web::client_address::{TrustedProxies, one_party};

/// Reserved seats, in all and for one address.
const RESERVED: usize = 64;
const RESERVED_PER_ADDRESS: usize = 8;

/// The most connections.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// In all.
    pub in_all: usize,
    /// From one address; nothing for no such bound.
    pub per_address: Option<usize>,
}

/// Everybody who is connected.
#[derive(Debug)]
pub struct Room {
    bounds: Bounds,
    /// Everybody comes through them: no bound for one address is theirs.
    proxies: TrustedProxies,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    seats: HashMap<IpAddr, BTreeMap<u64, Guest>>,
    in_all: usize,
    reserved: HashMap<IpAddr, usize>,
    reserved_in_all: usize,
}

#[derive(Debug)]
struct Guest {
    progress: Arc<Progress>,
    sent_away: CancellationToken,
}

/// What a newcomer gets.
#[derive(Debug)]
pub enum Entry {
    /// A seat like any other; another guest may have been sent away for it.
    Seat(Seat),
    /// One of the reserved seats.
    Reserved(Seat),
    /// Nothing is left.
    Full,
}

/// A connection's seat, given back when it is dropped.
#[derive(Debug)]
pub struct Seat {
    room: Arc<Room>,
    address: IpAddr,
    /// None for a reserved one.
    number: Option<u64>,
    sent_away: CancellationToken,
}

impl Seat {
    /// Ends when another needs this seat more.
    pub async fn sent_away(&self) {
        self.sent_away.cancelled().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        match self.number {
            Some(number) => drop(taken.remove(self.address, number)),
            None => taken.give_back_reserved(self.address),
        }
    }
}

impl Room {
    /// An empty one.
    pub fn new(bounds: Bounds, proxies: TrustedProxies) -> Arc<Self> {
        Arc::new(Self { bounds, proxies, taken: Mutex::default() })
    }

    /// How many sockets its guests need at once, and one for who is told at the door that it is full.
    pub fn sockets(&self) -> usize {
        self.bounds.in_all.saturating_add(RESERVED + 1).min(Semaphore::MAX_PERMITS)
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a connection in. Says as well whether there was no free seat.
    pub fn enter(self: &Arc<Self>, peer: SocketAddr, progress: &Arc<Progress>) -> (Entry, bool) {
        let (address, now) = (one_party(peer.ip()), Instant::now());
        let mut taken = self.taken();
        let from_here = taken.seats.get(&address).map_or(0, BTreeMap::len);
        let most = self.bounds.per_address.filter(|_| !self.proxies.has(peer.ip()));
        let address_full = most.is_some_and(|most| from_here >= most);
        let full = address_full || taken.in_all >= self.bounds.in_all;
        let has_seat = match (address_full, full) {
            (true, _) => taken.send_away(address, now),
            (false, true) => taken.send_anybody_away(now),
            (false, false) => true,
        };
        let seat = |number, sent_away| Seat { room: Arc::clone(self), address, number, sent_away };
        if has_seat {
            let sent_away = CancellationToken::new();
            let guest = Guest { progress: Arc::clone(progress), sent_away: sent_away.clone() };
            let number = taken.add(address, guest);
            return (Entry::Seat(seat(Some(number), sent_away)), full);
        }
        match taken.reserve(address) {
            true => (Entry::Reserved(seat(None, CancellationToken::new())), full),
            false => (Entry::Full, full),
        }
    }

    /// Closes a connection that waits, if there is one: the process may open no more files.
    pub fn make_way(&self) {
        self.taken().send_anybody_away(Instant::now());
    }
}

impl Taken {
    fn add(&mut self, address: IpAddr, guest: Guest) -> u64 {
        self.next += 1;
        self.in_all += 1;
        self.seats.entry(address).or_default().insert(self.next, guest);
        self.next
    }

    fn remove(&mut self, address: IpAddr, number: u64) -> Option<Guest> {
        let seats = self.seats.get_mut(&address)?;
        let guest = seats.remove(&number)?;
        self.in_all -= 1;
        if seats.is_empty() {
            self.seats.remove(&address);
        }
        Some(guest)
    }

    /// Closes the oldest connection of this address that may go; its seat is free at once.
    fn send_away(&mut self, address: IpAddr, now: Instant) -> bool {
        let seats = self.seats.get(&address);
        let who = seats.and_then(|seats| seats.iter().find(|(_, guest)| guest.progress.may_go(now)));
        let Some(number) = who.map(|(number, _)| *number) else { return false };
        if let Some(guest) = self.remove(address, number) {
            guest.sent_away.cancel();
        }
        true
    }

    /// The same of any address, those first that have the most seats.
    fn send_anybody_away(&mut self, now: Instant) -> bool {
        let mut addresses: Vec<(usize, IpAddr)> =
            self.seats.iter().map(|(address, seats)| (seats.len(), *address)).collect();
        addresses.sort_unstable_by(|a, b| b.cmp(a));
        addresses.into_iter().any(|(_, address)| self.send_away(address, now))
    }

    fn reserve(&mut self, address: IpAddr) -> bool {
        let from_here = self.reserved.entry(address).or_default();
        let has_seat = self.reserved_in_all < RESERVED && *from_here < RESERVED_PER_ADDRESS;
        if has_seat {
            *from_here += 1;
            self.reserved_in_all += 1;
        } else if *from_here == 0 {
            self.reserved.remove(&address);
        }
        has_seat
    }

    fn give_back_reserved(&mut self, address: IpAddr) {
        self.reserved_in_all = self.reserved_in_all.saturating_sub(1);
        if let Some(from_here) = self.reserved.get_mut(&address) {
            *from_here = from_here.saturating_sub(1);
            if *from_here == 0 {
                self.reserved.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(in_all: usize, per_address: usize) -> Arc<Room> {
        let proxies = TrustedProxies::new(&["192.0.2.1/32".parse().unwrap()]);
        Room::new(Bounds { in_all, per_address: Some(per_address) }, proxies)
    }

    fn enter(room: &Arc<Room>, address: &str, at_work: bool) -> Entry {
        let progress = Arc::new(Progress::new(Instant::now()));
        if at_work {
            progress.begin();
        }
        room.enter(SocketAddr::new(address.parse().unwrap(), 1), &progress).0
    }

    fn seat(entry: Entry) -> Seat {
        match entry {
            Entry::Seat(seat) => seat,
            other => panic!("no seat: {other:?}"),
        }
    }

    #[test]
    fn whoever_waits_longest_goes_when_its_address_has_all_its_seats() {
        let room = room(100, 3);
        let seats: Vec<Seat> =
            [true, false, false].into_iter().map(|at_work| seat(enter(&room, "10.0.0.1", at_work))).collect();
        let newcomer = seat(enter(&room, "10.0.0.1", false));
        let gone: Vec<bool> = seats.iter().map(|seat| seat.sent_away.is_cancelled()).collect();
        assert_eq!(gone, [false, true, false]);
        drop(seats);
        drop(newcomer);
        assert_eq!(room.taken().in_all, 0);
        assert!(room.taken().seats.is_empty());
    }

    #[test]
    fn a_trusted_proxy_has_as_many_seats_as_there_are() {
        let room = room(10, 2);
        let through: Vec<Seat> = (0..10).map(|_| seat(enter(&room, "192.0.2.1", true))).collect();
        assert!(through.iter().all(|seat| !seat.sent_away.is_cancelled()));
        assert!(matches!(enter(&room, "192.0.2.1", false), Entry::Reserved(_)), "the bound in all is also theirs");
    }

    #[test]
    fn the_address_with_the_most_seats_makes_room_for_others() {
        let room = room(4, 100);
        let other = seat(enter(&room, "10.0.0.2", false));
        let many: Vec<Seat> = (0..3).map(|_| seat(enter(&room, "10.0.0.1", false))).collect();
        let _third = seat(enter(&room, "10.0.0.3", true));
        assert!(many[0].sent_away.is_cancelled() && !other.sent_away.is_cancelled());
    }

    #[test]
    fn where_all_are_at_work_a_few_reserved_seats_are_left() {
        let room = room(2, 2);
        let _busy: Vec<Seat> = (0..2).map(|_| seat(enter(&room, "10.0.0.1", true))).collect();
        let one: Vec<Entry> = (0..20).map(|_| enter(&room, "10.0.0.1", false)).collect();
        let reserved = one.iter().filter(|entry| matches!(entry, Entry::Reserved(_))).count();
        assert_eq!(reserved, RESERVED_PER_ADDRESS);
        assert!(matches!(enter(&room, "10.0.0.2", false), Entry::Reserved(_)), "others have theirs");
        drop(one);
        assert_eq!(room.taken().reserved_in_all, 0);
        assert!(room.taken().reserved.is_empty());
    }
}
