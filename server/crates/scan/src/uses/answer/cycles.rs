//! Documents that wait for each other.

use std::collections::{BTreeMap, BTreeSet};

use super::super::evaluate::Dependency;

/// Strongly connected groups of more than one document, and documents that wait for themselves.
pub fn cycles<'e>(dependencies: impl Iterator<Item = &'e Dependency>) -> Vec<Vec<&'e str>> {
    let mut graph: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for dependency in dependencies {
        graph.entry(&dependency.from).or_default().extend(dependency.to.iter().map(|to| &**to));
    }
    let names: Vec<&str> = graph
        .iter()
        .flat_map(|(from, to)| to.iter().chain([from]))
        .copied()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let number = |name: &str| names.binary_search(&name).unwrap_or_default();
    let edges: Vec<Vec<usize>> =
        names.iter().map(|name| graph.get(name).into_iter().flatten().map(|to| number(to)).collect()).collect();
    let mut found: Vec<Vec<&str>> = components(&edges)
        .into_iter()
        .filter(|group| group.len() > 1 || group.iter().any(|one| edges[*one].contains(one)))
        .map(|group| {
            let mut group: Vec<&str> = group.into_iter().map(|one| names[one]).collect();
            group.sort_unstable();
            group
        })
        .collect();
    found.sort_unstable();
    found
}

/// Tarjan's algorithm, without recursion: chains may be as long as a tree has documents.
fn components(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    const NEW: usize = usize::MAX;
    let mut order = vec![NEW; edges.len()];
    let mut low = vec![0; edges.len()];
    let mut is_open = vec![false; edges.len()];
    let (mut open, mut found, mut next) = (Vec::new(), Vec::new(), 0);
    for start in 0..edges.len() {
        if order[start] != NEW {
            continue;
        }
        // A node, and which of its edges is next.
        let mut path = vec![(start, 0)];
        while let Some((node, edge)) = path.last_mut() {
            let node = *node;
            if *edge == 0 {
                order[node] = next;
                low[node] = next;
                next += 1;
                open.push(node);
                is_open[node] = true;
            }
            if let Some(&to) = edges[node].get(*edge) {
                *edge += 1;
                if order[to] == NEW {
                    path.push((to, 0));
                } else if is_open[to] {
                    low[node] = low[node].min(order[to]);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                low[*parent] = low[*parent].min(low[node]);
            }
            if low[node] == order[node] {
                let at = open.iter().rposition(|one| *one == node).unwrap_or_default();
                let group = open.split_off(at);
                group.iter().for_each(|one| is_open[*one] = false);
                found.push(group);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(edges: &[(&str, &[&str])]) -> Vec<String> {
        let dependency = |(from, to): &(&str, &[&str])| Dependency {
            from: (*from).into(),
            to: to.iter().map(|to| (*to).into()).collect(),
        };
        let dependencies: Vec<Dependency> = edges.iter().map(dependency).collect();
        cycles(dependencies.iter()).into_iter().map(|group| group.join(" ")).collect()
    }

    #[test]
    fn groups_that_wait_for_each_other_are_found_once() {
        assert_eq!(found(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &["a"]), ("e", &["e"])]), ["a b c", "e"]);
        assert!(found(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]).is_empty());
    }

    #[test]
    fn a_chain_of_any_length_is_walked() {
        let names: Vec<String> = (0..200_000).map(|number| format!("{number:06}")).collect();
        let to: Vec<Box<str>> = names.iter().map(|name| name.as_str().into()).collect();
        let chain = to.windows(2).map(|pair| Dependency { from: pair[0].clone(), to: vec![pair[1].clone()] });
        let dependencies: Vec<Dependency> = chain.collect();
        assert!(cycles(dependencies.iter()).is_empty());
    }
}
