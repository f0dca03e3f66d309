"""Records to protobuf messages and back: ``encode_x`` returns the message of a record, ``decode_x`` the record."""
