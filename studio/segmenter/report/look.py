"""The report's type and colours: a light and a dark form, and one for paper."""

CSS = """
:root{color-scheme:light dark;--page:#fbfaf8;--ink:#1d1c1a;--soft:#6a6660;--line:#e2ded7;--panel:#f3f1ec;
--accent:#a8480a;
--box:#e9dccf;--pale:#b9b4ab}
@media (prefers-color-scheme:dark){:root{--page:#191918;--ink:#e9e6e0;--soft:#9c978e;--line:#34322f;--panel:#222120;
--accent:#f0904a;--box:#47382b;--pale:#67635c}}
*{box-sizing:border-box}
html{font:16px/1.5 system-ui,"Segoe UI","Helvetica Neue","Liberation Sans",Arial,sans-serif;background:var(--page);
color:var(--ink);-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:1040px;padding:72px 40px 96px;overflow-wrap:anywhere}
h1,h2{font-family:"Iowan Old Style","Palatino Linotype",Palatino,"Book Antiqua",Georgia,"DejaVu Serif",serif;
font-weight:500;letter-spacing:-.01em;line-height:1.15;margin:0}
h1{font-size:44px}
h2{font-size:26px;margin:72px 0 8px;padding-top:24px;border-top:1px solid var(--line)}
h3{font-size:15px;font-weight:600;margin:32px 0 8px}
p{margin:0 0 16px;max-width:66ch}
.kicker{font-size:13px;letter-spacing:.06em;color:var(--soft);margin:0 0 16px}
.kicker b{color:var(--accent);font-weight:600}
.lead{font-size:19px;line-height:1.5;margin:24px 0 0}
.note,.legend,figcaption{color:var(--soft);font-size:14px}
.figures{display:flex;flex-wrap:wrap;gap:16px 40px;margin:40px 0 0;padding:0;list-style:none}
.figures li{min-width:112px;max-width:176px}
.figures b{display:block;
font:500 40px/1.1 "Iowan Old Style","Palatino Linotype",Palatino,Georgia,"DejaVu Serif",serif;
font-variant-numeric:lining-nums tabular-nums}
.figures .first b{color:var(--accent)}
.figures span{font-size:14px;color:var(--soft);line-height:1.35;display:block}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14.5px;margin:8px 0 24px;
font-variant-numeric:lining-nums tabular-nums}
th,td{padding:7px 0 7px 20px;text-align:right;border-bottom:1px solid var(--line);vertical-align:baseline}
th:first-child,td:first-child{padding-left:0;text-align:left}
table.even{table-layout:fixed}table.even th:first-child{width:24%;min-width:140px}
thead th{font-weight:500;color:var(--soft);font-size:13.5px;line-height:1.3;vertical-align:bottom}
tbody th{font-weight:400}
.text td,.text th{text-align:left}table.text{min-width:680px}
.three+.note{margin-top:16px}
tr.sum>*{border-bottom:0;font-weight:600}
tr.part>*{color:var(--soft)}
td.best{color:var(--accent);font-weight:600}
dl{display:grid;grid-template-columns:minmax(120px,max-content) 1fr;gap:8px 32px;margin:16px 0 24px}
dt{color:var(--soft)}dt::first-letter{text-transform:uppercase}dd{margin:0;max-width:62ch}
svg text{font:14px system-ui,"Segoe UI","Helvetica Neue","Liberation Sans",Arial,sans-serif;fill:var(--ink);
font-variant-numeric:lining-nums tabular-nums}
.chart{display:block;width:100%;height:auto;margin:16px 0 8px}
.chart .grid{stroke:var(--line)}.chart .tick,svg .tick{fill:var(--soft);font-size:13px}
.chart .box{fill:var(--box)}.chart .median{stroke:var(--ink);stroke-width:2}.chart .reach{stroke:var(--pale)}
.point{fill:var(--accent);fill-opacity:.85;stroke:var(--page);stroke-width:1}
.point .ring{fill:var(--page);stroke:var(--accent);stroke-width:2}.chart .muted .ring{stroke:var(--pale)}
.chart .muted .point{fill:var(--pale)}.chart .muted .box{fill:var(--line)}.chart .mean{font-weight:600}
.chart .muted .name,.chart .muted .mean{fill:var(--soft)}
.bars{display:block;width:100%;max-width:280px;height:auto}.bars text{font-size:13px}.bars .name{fill:var(--soft)}
.bars .bar{fill:var(--accent)}
.legend{display:flex;flex-wrap:wrap;gap:4px 24px}.legend svg{width:12px;height:12px;margin-right:8px;
vertical-align:-1px}
.swatch{display:inline-block;width:20px;height:12px;margin-right:8px;vertical-align:-1px;border-radius:2px}
.swatch.outline{background:#777;border:2px solid #fff;box-shadow:0 0 0 1px #333}
.frame{margin:0 0 32px;break-inside:avoid}
.frame>p{margin:0 0 8px;max-width:none;font-size:14.5px}.frame>p span{color:var(--soft)}
.strip{display:grid;grid-template-columns:repeat(var(--across),1fr);gap:8px 8px}
figure{margin:0;min-width:0}
figure img{display:block;width:100%;height:auto;border-radius:3px;background:#000}
figcaption{padding:4px 0 0;display:flex;justify-content:space-between;gap:8px;font-size:13px;line-height:1.3}
figcaption b{font-weight:600;white-space:nowrap;color:var(--ink);font-variant-numeric:lining-nums tabular-nums}
.three{display:grid;grid-template-columns:repeat(auto-fit,minmax(220px,1fr));gap:8px 32px}
ul.plain{padding-left:20px;margin:0 0 16px;max-width:66ch}ul.plain li{margin:0 0 8px}
.caution{background:var(--panel);border-left:3px solid var(--accent);padding:12px 16px;margin:32px 0 0;
max-width:none}
details{margin:0 0 8px}summary{cursor:pointer;font-size:15px;font-weight:600;padding:8px 0}
footer{margin-top:72px;padding-top:16px;border-top:1px solid var(--line);color:var(--soft);font-size:13px}
code{font:12.5px ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
@media (max-width:640px){.strip{grid-template-columns:1fr 1fr}
body{padding:40px 20px 64px}h1{font-size:34px}dl{grid-template-columns:1fr;gap:0}
dd{margin-bottom:12px}}
@media print{:root{color-scheme:light;--page:#fff;--ink:#000;--soft:#555;--line:#ccc;--panel:#f5f5f5;
--accent:#a8480a;--box:#eee0d3;--pale:#aaa}
@page{margin:18mm 16mm}html{font-size:16px;print-color-adjust:exact;-webkit-print-color-adjust:exact}
body{max-width:none;padding:0;zoom:.7}h2{margin-top:48px;break-after:avoid}h2+p,h2+p+p.legend{break-after:avoid;break-inside:avoid}h3{break-after:avoid}
table,figure,.frame,.chart,.figures{break-inside:avoid}.wide{overflow:visible}}
""".strip()
