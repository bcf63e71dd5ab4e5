import * as vscode from 'vscode'
import type { StatusView } from './status-view.ts'

const TONES = {
  plain: undefined,
  warning: new vscode.ThemeColor('statusBarItem.warningBackground'),
  error: new vscode.ThemeColor('statusBarItem.errorBackground'),
} as const

export interface StatusBar extends vscode.Disposable {
  show(view: StatusView): void
}

export function createStatusBar(): StatusBar {
  const item = vscode.window.createStatusBarItem('gatehouse.status', vscode.StatusBarAlignment.Left, 0)
  item.name = 'Gatehouse'
  return {
    show(view) {
      item.text = view.text
      item.tooltip = view.tooltip
      item.command = view.command
      item.backgroundColor = TONES[view.tone]
      item.accessibilityInformation = { label: `${view.text.replace(/\$\([^)]*\)\s*/g, '')}. ${view.tooltip}` }
      item.show()
    },
    dispose: () => item.dispose(),
  }
}
