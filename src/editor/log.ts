import * as vscode from 'vscode'
import type { Settings } from './settings.ts'

const LEVELS = ['error', 'warn', 'info', 'debug'] as const
type Level = (typeof LEVELS)[number]

/** What Gatehouse writes for the person who looks for a cause. Messages never hold a token, a key, an argument or text of a server. */
export interface Log extends Record<Level, (message: string) => void> {
  /** A line with a stable code, as the parts below src/editor write them. */
  readonly line: (line: { level: Level; code: string; message: string }) => void
  show(): void
  dispose(): void
}

/** The "Gatehouse" output channel, which follows the setting `gatehouse.log.level`. */
export function openLog(settings: Settings): Log {
  const channel = vscode.window.createOutputChannel('Gatehouse', { log: true })
  const write = (level: Level) => (message: string) => {
    if (LEVELS.indexOf(level) <= LEVELS.indexOf(settings.logLevel())) channel[level](message)
  }
  const log = { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') }
  return {
    ...log,
    line: ({ level, code, message }) => log[level](`${code}: ${message}`),
    show: () => channel.show(true),
    dispose: () => channel.dispose(),
  }
}
