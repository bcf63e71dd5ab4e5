import * as vscode from 'vscode'
import type { CallStep } from '@gatehouse/contracts'
import type { PlansView } from './plans-view.ts'
import type { Settings } from './settings.ts'
import { waitingWords } from './waiting-words.ts'

/** Calls of one turn arrive together; they get one notification. Milliseconds. */
const GATHER = 150

export interface WaitingNotice {
  /** All steps that wait now; those not seen before are announced. */
  update(steps: readonly CallStep[]): void
  dispose(): void
}

/** Tells the person that steps wait, when the setting wants it. It has one button, which shows and never decides. */
export function createWaitingNotice(options: {
  settings: Settings
  view: PlansView
  titleOf: (server: string) => string
}): WaitingNotice {
  const seen = new Set<string>()
  let fresh: CallStep[] = []
  let timer: NodeJS.Timeout | undefined
  const announce = async (): Promise<void> => {
    const steps = fresh
    fresh = []
    const wanted = options.settings.notify()
    if (steps.length === 0 || wanted === 'never' || (wanted === 'when-hidden' && options.view.visible)) return
    const review = 'Review'
    const choice = await vscode.window.showInformationMessage(waitingWords(steps, options.titleOf), review)
    if (choice === review) await options.view.reveal()
  }
  return {
    update(steps) {
      const waiting = new Set(steps.map((step) => step.id))
      for (const id of seen) if (!waiting.has(id)) seen.delete(id)
      fresh = fresh.filter((step) => waiting.has(step.id))
      for (const step of steps) {
        if (seen.has(step.id)) continue
        seen.add(step.id)
        fresh.push(step)
      }
      clearTimeout(timer)
      if (fresh.length > 0) timer = setTimeout(() => void announce(), GATHER)
    },
    dispose: () => clearTimeout(timer),
  }
}
