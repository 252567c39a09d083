/** CPU time per unit of work as bars, one group a row: a plain SVG that is readable on light and dark pages. */

const WIDTH = 760;
const LABEL = 230;
const BAR = 18;
const GAP = 6;
const COLOURS = { kamailio: "#8a8f98", rollcall: "#2f7dd1" };

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

export function plot(rows, caption) {
  const groups = rows.filter((row) => row.how === "closed" && row.results.length > 0);
  let y = 46;
  let body = "";
  for (const row of groups) {
    body += `<text x="8" y="${y}" class="title">${row.key}: ${escaped(row.title)}, µs of CPU per ${row.work}</text>\n`;
    y += 10;
    const most = Math.max(...row.results.map(({ median }) => median.cpuUs));
    for (const { name, family, median } of row.results) {
      const width = Math.max(2, (median.cpuUs / most) * (WIDTH - LABEL - 70));
      body += `<text x="${LABEL - 8}" y="${y + 13}" text-anchor="end">${escaped(name)}</text>`;
      body += `<rect x="${LABEL}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2" fill="${COLOURS[family]}"/>`;
      body += `<text x="${(LABEL + width + 6).toFixed(1)}" y="${y + 13}">${median.cpuUs.toFixed(1)}</text>\n`;
      y += BAR + GAP;
    }
    y += 26;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img">
<title>CPU time of the server, less is better</title>
<style>text { font: 12px system-ui, sans-serif; fill: #555 } .title { font-weight: 600 } @media (prefers-color-scheme: dark) { text { fill: #bbb } }</style>
<text x="8" y="14">${escaped(caption)}</text>
${body}</svg>
`;
}
