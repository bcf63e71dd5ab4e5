import { css } from 'lit'

/** Shared by both pages: text of outsiders wraps anywhere and never widens the page. Colours are the theme's alone. */
export const outsiderStyles = css`
  .outsider {
    overflow-wrap: anywhere;
    white-space: pre-wrap;
  }
  pre.outsider {
    margin: 2px 0;
    padding: 6px 8px;
    max-height: 40vh;
    overflow: auto;
    font-family: var(--vscode-editor-font-family);
    font-size: var(--vscode-editor-font-size);
    background: var(--vscode-textCodeBlock-background);
    border: 1px solid var(--vscode-contrastBorder, transparent);
    border-radius: 3px;
    tab-size: 4;
  }
  pre.outsider:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
  }
  mark {
    color: var(--vscode-editorError-foreground);
    background: transparent;
    font-weight: 700;
  }
  .warning {
    display: flex;
    align-items: flex-start;
    gap: 4px;
    margin: 4px 0;
    padding: 4px 6px;
    border: 1px solid var(--vscode-inputValidation-warningBorder);
    background: var(--vscode-inputValidation-warningBackground);
    color: var(--vscode-inputValidation-warningForeground, inherit);
  }
  .quiet {
    color: var(--vscode-descriptionForeground);
    font-weight: normal;
    margin: 2px 0;
  }
  vscode-icon {
    color: inherit;
  }
  vscode-button[aria-disabled='true'] {
    opacity: 0.6;
    cursor: default;
  }
`
