"""The web page: what the API answers, for people who would rather look. HTML made on the server; no scripts at all."""
