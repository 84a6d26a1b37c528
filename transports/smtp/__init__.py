"""Mail sent through a relay by SMTP (RFC 5321), pipelined where the relay can."""
