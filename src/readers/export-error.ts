/** Status codes of gRPC in order. Source: doc/statuscodes.md of grpc. */
const GRPC_STATUS = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

const unknownAuthority = 'name the file of its CA by tls.ca_file or OTEL_EXPORTER_OTLP_CERTIFICATE';

const REMEDIES: Readonly<Record<string, string>> = {
  UNAVAILABLE: 'check that the Collector runs, its address and its TLS settings',
  DEADLINE_EXCEEDED: 'the Collector took too long: see how loaded it is, or raise the timeout',
  RESOURCE_EXHAUSTED: "raise the Collector's max_recv_msg_size_mib, or export fewer series",
  UNAUTHENTICATED: 'check the headers that carry the credentials',
  PERMISSION_DENIED: 'check the headers that carry the credentials',
  UNIMPLEMENTED: 'check that the endpoint speaks OTLP over gRPC (port 4317 by custom), not HTTP',
  ECONNREFUSED: 'check that the Collector runs, and its address',
  ENOTFOUND: "check the address: its name isn't known",
  ETIMEDOUT: 'the Collector took too long: see how loaded it is, or raise the timeout',
  401: 'check the headers that carry the credentials',
  403: 'check the headers that carry the credentials',
  404: 'check the path of the endpoint: it is used as it is, and /v1/metrics by custom',
  405: 'check the path of the endpoint: it is used as it is, and /v1/metrics by custom',
  407: 'check the user and the password of the proxy in its variable',
  413: "raise the Collector's max_request_body_size, or export fewer series",
  // What node:tls calls them.
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  ERR_TLS_CERT_ALTNAME_INVALID: 'use a name that the certificate has',
  EPROTO: 'check that the receiver speaks TLS there; where it does not, the endpoint begins with http://',
  ECONNRESET:
    'check that the endpoint begins with https:// where the receiver speaks TLS, and that it speaks OTLP over HTTP (port 4318 by custom), not gRPC',
  ERR_PROXY_TUNNEL: 'see whether the proxy is right and lets the receiver through, or list the receiver in no_proxy',
  HPE_INVALID_CONSTANT: 'check that the endpoint speaks OTLP over HTTP (port 4318 by custom), not gRPC',
};

/** A failed export's reason for the attribute error.type: the gRPC status, the error's code (ECONNREFUSED), or its class. */
export function exportErrorType(error: unknown): string {
  if (!(error instanceof Error)) return '_OTHER';
  const { code } = error as { code?: unknown };
  if (typeof code === 'number') return GRPC_STATUS[code] ?? '_OTHER';
  if (typeof code === 'string') return code;
  return error.name;
}

/** Of what a receiver says, in UTF-16 units; it may send megabytes. */
const MOST_WORDS = 1000;

/** What a receiver says, not longer than a log's line may be. */
export function receiverText(text: string): string {
  return text.length <= MOST_WORDS ? text : `${text.slice(0, MOST_WORDS)}… (${text.length} characters)`;
}

/**
 * A failed export's reason in words, without what is of no use: grpc-js ends some of its messages with the empty name of a
 * note, Node gives advice about how to start it, and OpenSSL names a line of its source.
 */
export function exportErrorText(error: Error): string {
  const words = error.message
    .replace(/; if the root CA is installed locally, try running Node\.js with --use-system-ca/g, '')
    .replace(/\b[\dA-F]+:error:[^:]*:[^:]*:[^:]*:([^:]*):\S*:\d+:\s*/g, 'TLS: $1')
    .replace(/\.? Resolution note: *$/, '');
  return receiverText(words);
}

/** What to do about such failures, one clause; undefined where nothing in particular helps. */
export function exportRemedy(errorType: string): string | undefined {
  return REMEDIES[errorType];
}
