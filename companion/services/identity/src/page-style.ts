/** Style of every page; light and dark follow the browser. Text and control contrast is at least 4.5:1 and 3:1 (WCAG 2.2, 1.4.3 and 1.4.11). */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f4f5f7; --card: #ffffff; --text: #1c2430; --quiet: #566072; --line: #848d9b;
  --accent: #1f5fbf; --on-accent: #ffffff; --chosen: #e8f0fc; --bad: #a4161a; --bad-page: #fdecec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14181f; --card: #1d232d; --text: #e8ebf0; --quiet: #aab3c2; --line: #76808f;
    --accent: #8ab4f8; --on-accent: #10151d; --chosen: #26344a; --bad: #ffb4ab; --bad-page: #3b2021;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 34rem; margin: 6vh auto; padding: 2rem; background: var(--card); border-radius: 12px; box-shadow: 0 1px 4px #0003; }
h1 { margin: 0 0 0.25rem; font-size: 1.5rem; line-height: 1.25; }
p { margin: 0.5rem 0; }
.quiet { color: var(--quiet); }
.caution { margin: 1rem 0; padding: 0.75rem 1rem; border-left: 4px solid var(--accent); background: var(--chosen); }
.error { margin: 1rem 0; padding: 0.75rem 1rem; border-left: 4px solid var(--bad); background: var(--bad-page); color: var(--bad); }
fieldset { margin: 1.25rem 0; padding: 0; border: 0; }
legend, .label { display: block; margin-bottom: 0.5rem; padding: 0; font-weight: 600; }
.people { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); gap: 0.5rem; }
.person { display: flex; gap: 0.75rem; align-items: flex-start; padding: 0.6rem 0.75rem; border: 1px solid var(--line); border-radius: 8px; cursor: pointer; }
.person:has(:checked) { border-color: var(--accent); background: var(--chosen); }
.person:focus-within, input:focus-visible, button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.person input { margin: 0.3rem 0 0; accent-color: var(--accent); }
.person input:focus-visible { outline: none; }
.person small { display: block; color: var(--quiet); font-size: 0.875rem; }
.field { width: 100%; padding: 0.6rem 0.75rem; border: 1px solid var(--line); border-radius: 8px; background: var(--card); color: var(--text); font: inherit; }
.code { font-family: ui-monospace, monospace; word-break: break-all; user-select: all; }
.actions { display: flex; flex-wrap: wrap; gap: 0.75rem; margin-top: 1.25rem; }
button { padding: 0.6rem 1.25rem; border: 1px solid var(--line); border-radius: 8px; background: transparent; color: var(--text); font: inherit; cursor: pointer; }
button.primary { border-color: var(--accent); background: var(--accent); color: var(--on-accent); font-weight: 600; }
code { font-family: ui-monospace, monospace; }
`
