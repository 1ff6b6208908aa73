"""The tree against the published vectors and the laws of RFC 6962."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medstack.audit import merkle
from medstack.audit.merkle import EMPTY_ROOT, Edge

# Source: the certificate-transparency project's reference tree, tests of merkle_tree.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def edge_of(bodies: list[bytes]) -> Edge:
    return Edge().extend(merkle.leaf_hash(body) for body in bodies)


def subtree_of(bodies: list[bytes]) -> merkle.SubtreeHash:
    """Straight from the definition in RFC 6962 2.1: recursive, slow, obviously right."""

    def tree(start: int, end: int) -> bytes:
        if end - start == 1:
            return merkle.leaf_hash(bodies[start])
        k = 1
        while k * 2 < end - start:
            k *= 2
        return merkle.node_hash(tree(start, start + k), tree(start + k, end))

    return tree


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_of_the_reference_tree(size: int) -> None:
    assert edge_of(LEAVES[:size]).root.hex() == ROOTS[size]


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 1, []),
        (
            0,
            8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    ],
)
def test_inclusion_paths_are_those_of_the_reference_tree(
    index: int, size: int, path: list[str]
) -> None:
    made = merkle.inclusion_proof(index, size, subtree_of(LEAVES))
    assert [step.hex() for step in made] == path


@pytest.mark.parametrize(
    ("old", "size", "path"),
    [
        (1, 1, []),
        (
            6,
            8,
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ],
)
def test_consistency_paths_are_those_of_the_reference_tree(
    old: int, size: int, path: list[str]
) -> None:
    made = merkle.consistency_proof(old, size, subtree_of(LEAVES))
    assert [step.hex() for step in made] == path


bodies_of_logs = st.lists(st.binary(max_size=8), min_size=1, max_size=70)


@given(bodies_of_logs)
def test_the_growing_edge_agrees_with_the_definition(bodies: list[bytes]) -> None:
    assert edge_of(bodies).root == subtree_of(bodies)(0, len(bodies))


@given(bodies_of_logs)
def test_an_edge_survives_being_stored(bodies: list[bytes]) -> None:
    edge = edge_of(bodies)
    assert Edge.from_bytes(edge.size, edge.to_bytes()) == edge


@given(bodies_of_logs, st.data())
def test_every_leaf_is_shown_to_be_included(bodies: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(bodies) - 1))
    root = edge_of(bodies).root
    proof = merkle.inclusion_proof(index, len(bodies), subtree_of(bodies))
    leaf = merkle.leaf_hash(bodies[index])
    assert merkle.is_included(leaf, index=index, size=len(bodies), root=root, proof=proof)


@given(bodies_of_logs, st.data())
def test_no_other_body_passes_for_a_leaf(bodies: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(bodies) - 1))
    forged = data.draw(st.binary(max_size=8).filter(lambda body: body != bodies[index]))
    root = edge_of(bodies).root
    proof = merkle.inclusion_proof(index, len(bodies), subtree_of(bodies))
    leaf = merkle.leaf_hash(forged)
    assert not merkle.is_included(leaf, index=index, size=len(bodies), root=root, proof=proof)


@given(bodies_of_logs, st.data())
def test_a_proof_lengthened_or_shortened_fails(bodies: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(bodies) - 1))
    root, leaf = edge_of(bodies).root, merkle.leaf_hash(bodies[index])
    proof = merkle.inclusion_proof(index, len(bodies), subtree_of(bodies))
    for wrong in [(*proof, EMPTY_ROOT)] + ([proof[:-1]] if proof else []):
        assert not merkle.is_included(leaf, index=index, size=len(bodies), root=root, proof=wrong)


@given(bodies_of_logs, st.data())
def test_every_earlier_tree_is_shown_to_be_continued(
    bodies: list[bytes], data: st.DataObject
) -> None:
    old = data.draw(st.integers(1, len(bodies)))
    proof = merkle.consistency_proof(old, len(bodies), subtree_of(bodies))
    assert merkle.is_consistent(
        old=old,
        old_root=edge_of(bodies[:old]).root,
        size=len(bodies),
        root=edge_of(bodies).root,
        proof=proof,
    )


@given(bodies_of_logs, st.data())
def test_a_changed_past_is_not_continued(bodies: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(1, len(bodies)))
    at = data.draw(st.integers(0, old - 1))
    rewritten = [*bodies[:at], bodies[at] + b"!", *bodies[at + 1 :]]
    proof = merkle.consistency_proof(old, len(rewritten), subtree_of(rewritten))
    assert not merkle.is_consistent(
        old=old,
        old_root=edge_of(bodies[:old]).root,
        size=len(rewritten),
        root=edge_of(rewritten).root,
        proof=proof,
    )


@pytest.mark.parametrize(("size", "packed"), [(1, b""), (3, bytes(32)), (2, bytes(33)), (-1, b"")])
def test_peaks_that_do_not_fit_the_size_are_refused(size: int, packed: bytes) -> None:
    with pytest.raises(ValueError, match="peaks"):
        Edge.from_bytes(size, packed)
