"""The gRPC API: servicers that only translate, and the server."""
