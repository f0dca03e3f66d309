"""A client of HTTP/1.1 for load and for metrics: every wait has a deadline, and every answer a bounded size.

The standard library's own client restarts its timeout with every byte, parses headers as e-mail, and sends head and
body as two packets; the first lets a slow server hold a request for ever, the others are work that a measurement of
the server would be charged with.
"""

from serving_adapter.web.endpoint import LONGEST_ANSWER_BYTES, Answer, Endpoint

__all__ = ["LONGEST_ANSWER_BYTES", "Answer", "Endpoint"]
