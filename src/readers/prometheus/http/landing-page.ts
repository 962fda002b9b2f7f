/** What a browser sees at /; `path` is where the metrics are, and holds nothing that HTML would take for its own. */
export function landingPage(version: string, path: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>ebpf-meter</title></head>
<body>
<h1>ebpf-meter ${version}</h1>
<p>What only the Linux kernel knows, as OpenTelemetry metrics.</p>
<ul>
<li><a href="${path.replaceAll('&', '&amp;')}">${path.replaceAll('&', '&amp;')}</a>: the metrics, for Prometheus</li>
<li><a href="/-/healthy">/-/healthy</a>: answers as long as the process runs</li>
<li><a href="/-/ready">/-/ready</a>: answers 200 while metrics are served</li>
</ul>
</body>
</html>
`;
}
