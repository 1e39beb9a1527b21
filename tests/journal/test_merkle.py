"""The Merkle tree: what RFC 6962 defines, what Certificate Transparency computes, and proofs that prove."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.journal.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    leaf_hash,
    root_hash,
)

ENTRIES = [
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
"""The entries of the known answers of Certificate Transparency (google/certificate-transparency, merkle_tree_test)."""
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
INCLUSION = {
    (0, 8): ("96a296d2", "5f083f0a", "6b47aaf2"),
    (5, 8): ("bc1a0643", "ca854ea1", "d37ee418"),
    (2, 3): ("fac54203",),
    (1, 5): ("6e340b9c", "5f083f0a", "bc1a0643"),
}
"""Beginnings of the hashes of inclusion proofs: (index, size)."""
CONSISTENCY = {
    (1, 1): (),
    (1, 8): ("96a296d2", "5f083f0a", "6b47aaf2"),
    (6, 8): ("0ebc5d34", "ca854ea1", "d37ee418"),
    (2, 5): ("5f083f0a", "bc1a0643"),
}
"""Beginnings of the hashes of consistency proofs: (earlier size, later size)."""

trees = st.integers(1, 70).map(lambda size: [leaf_hash(str(number).encode()) for number in range(size)])


def defined_root(leaves: Sequence[bytes]) -> bytes:
    """``MTH`` as RFC 6962 writes it down."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while 2 * split < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + defined_root(leaves[:split]) + defined_root(leaves[split:])).digest()


def flipped(value: bytes, bit: int) -> bytes:
    changed = bytearray(value)
    changed[bit // 8 % len(value)] ^= 1 << bit % 8
    return bytes(changed)


def test_the_roots_are_those_of_certificate_transparency():
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert [root_hash(LEAVES[:size]).hex() for size in range(1, 9)] == list(ROOTS)


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_proofs_are_those_of_certificate_transparency(index: int, size: int):
    proof = inclusion_proof(LEAVES[:size], index)
    assert tuple(item.hex()[:8] for item in proof) == INCLUSION[index, size]


@pytest.mark.parametrize(("earlier", "later"), CONSISTENCY)
def test_consistency_proofs_are_those_of_certificate_transparency(earlier: int, later: int):
    proof = consistency_proof(LEAVES[:later], earlier)
    assert tuple(item.hex()[:8] for item in proof) == CONSISTENCY[earlier, later]


@given(leaves=trees, data=st.data())
def test_a_tree_that_grows_in_pieces_has_the_root_of_the_definition(leaves: list[bytes], data: st.DataObject):
    cut = data.draw(st.integers(0, len(leaves)))
    frontier = Frontier().extended(leaves[:cut]).extended(leaves[cut:])
    assert frontier.size == len(leaves)
    assert frontier.root == defined_root(leaves)
    assert len(frontier.peaks) == len(leaves).bit_count()


@given(leaves=trees, data=st.data())
def test_every_inclusion_proof_verifies_and_a_changed_one_does_not(leaves: list[bytes], data: st.DataObject):
    size, root = len(leaves), defined_root(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(leaves, index)
    bit = data.draw(st.integers(0, 255))
    assert is_included(leaves[index], index, size, proof, root)
    assert not is_included(flipped(leaves[index], bit), index, size, proof, root)
    assert not is_included(leaves[index], index, size, proof, flipped(root, bit))
    assert not is_included(leaves[index], size, size, proof, root)
    assert not is_included(leaves[index], index, size, (*proof, root), root)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        changed = (*proof[:at], flipped(proof[at], bit), *proof[at + 1 :])
        assert not is_included(leaves[index], index, size, changed, root)
        assert not is_included(leaves[index], index, size, proof[:-1], root)
        other = data.draw(st.integers(0, size - 1).filter(lambda n: n != index))
        assert not is_included(leaves[index], other, size, proof, root)


@given(leaves=trees, data=st.data())
def test_every_consistency_proof_verifies_and_a_changed_one_does_not(leaves: list[bytes], data: st.DataObject):
    later, root = len(leaves), defined_root(leaves)
    earlier = data.draw(st.integers(1, later))
    before = defined_root(leaves[:earlier])
    proof = consistency_proof(leaves, earlier)
    bit = data.draw(st.integers(0, 255))
    assert is_consistent(earlier, before, later, root, proof)
    assert not is_consistent(earlier, flipped(before, bit), later, root, proof)
    assert not is_consistent(earlier, before, later, flipped(root, bit), proof)
    assert not is_consistent(earlier, before, later, root, (*proof, root))
    assert not is_consistent(later + 1, before, later, root, proof)
    assert not is_consistent(0, before, later, root, proof)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        changed = (*proof[:at], flipped(proof[at], bit), *proof[at + 1 :])
        assert not is_consistent(earlier, before, later, root, changed)
        assert not is_consistent(earlier, before, later, root, proof[:-1])


@given(leaves=trees.filter(lambda leaves: len(leaves) > 1), data=st.data())
def test_a_log_that_was_rewritten_has_no_consistency_proof(leaves: list[bytes], data: st.DataObject):
    earlier = data.draw(st.integers(1, len(leaves) - 1))
    at = data.draw(st.integers(0, earlier - 1))
    rewritten = [*leaves[:at], leaf_hash(b"another"), *leaves[at + 1 :]]
    proof = consistency_proof(rewritten, earlier)
    assert not is_consistent(earlier, defined_root(leaves[:earlier]), len(leaves), root_hash(rewritten), proof)


def test_a_proof_of_what_is_not_there_is_refused():
    with pytest.raises(ValueError, match="a tree of 8 leaves has no leaf 8; its leaves are counted from 0"):
        inclusion_proof(LEAVES, 8)
    with pytest.raises(ValueError, match="a tree of 8 leaves does not grow out of one of 9"):
        consistency_proof(LEAVES, 9)
