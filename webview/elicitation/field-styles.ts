import { css } from 'lit'

export const fieldStyles = css`
  .field,
  fieldset {
    margin: 12px 0;
    padding: 0;
    border: 0;
  }
  label,
  legend {
    display: block;
    font-weight: 600;
    margin-bottom: 4px;
    padding: 0;
  }
  label.check {
    display: flex;
    align-items: center;
    gap: 6px;
    font-weight: normal;
  }
  input:not([type='checkbox']),
  select {
    box-sizing: border-box;
    width: 100%;
    padding: 4px 6px;
    font: inherit;
    color: var(--vscode-input-foreground);
    background: var(--vscode-input-background);
    border: 1px solid var(--vscode-input-border, var(--vscode-contrastBorder, transparent));
    border-radius: 2px;
  }
  select {
    color: var(--vscode-dropdown-foreground);
    background: var(--vscode-dropdown-background);
    border-color: var(--vscode-dropdown-border, transparent);
  }
  input[type='checkbox'] {
    accent-color: var(--vscode-button-background);
    margin: 2px;
  }
  input:focus-visible,
  select:focus-visible,
  fieldset:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
    outline-offset: -1px;
  }
  [aria-invalid='true']:not(fieldset) {
    border-color: var(--vscode-inputValidation-errorBorder);
  }
  .error {
    margin: 4px 0 0;
    color: var(--vscode-errorForeground);
  }
`
