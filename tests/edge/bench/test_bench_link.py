"""What an object costs on the link, on records of a frame that the pipeline did."""

from edge.bench.link import MOST_BYTES, batches, sizes
from wire.codec import decode_batch, decode_record, encode_batch, encode_record


def test_an_object_of_a_frame_keeps_to_its_bytes_and_comes_back_whole() -> None:
    sent = next(batches())
    ours, *others = sizes(sent)
    assert sent.objects > 60
    assert ours.value is not None
    assert ours.value <= MOST_BYTES
    assert all(ours.value < (other.value or 0) for other in others)
    blobs = [encode_record(record) for record in sent.records]
    found = decode_batch(encode_batch(blobs))
    assert found == blobs
    assert [encode_record(decode_record(blob)) for blob in found] == blobs
