/*
 * arrival_ends.h: ARRIVAL_END(name, text, help): why a connection ended before its first request could
 * be read: its PROXY header or its TLS handshake failed. Counted by these words in the status and the
 * metrics.
 */
ARRIVAL_END(CLOSED, "closed", "the other side went away")
ARRIVAL_END(TIMEOUT, "timeout", "not done within listeners[].handshake")
ARRIVAL_END(PROXY_SENDER, "proxy_sender", "not one of the proxies in listeners[].proxy_protocol")
ARRIVAL_END(PROXY_HEADER, "proxy_header", "no PROXY header, or a wrong one")
ARRIVAL_END(NOT_TLS, "not_tls", "plain HTTP came to a TLS listener; answered 400")
ARRIVAL_END(VERSION, "version", "no TLS, or no version of it in common")
ARRIVAL_END(CIPHER, "cipher", "no cipher, group or signature in common")
ARRIVAL_END(ALPN, "alpn", "no application protocol in common")
ARRIVAL_END(CERTIFICATE, "client_certificate", "the client's certificate is missing or does not verify")
ARRIVAL_END(ALERT, "alert", "the client refused, our certificate mostly")
ARRIVAL_END(PROTOCOL, "protocol", "what came breaks the protocol")
ARRIVAL_END(NO_MEMORY, "out_of_resources", "no memory was left")
ARRIVAL_END(SHUTDOWN, "shutdown", "Holdfast was told to stop")
