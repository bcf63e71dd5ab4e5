import * as vscode from 'vscode'

const NO_CODE =
  'Gatehouse: no sign-in waits for a code. It comes back from the browser by itself; if it does not, set "gatehouse.signIn.redirect" to "paste" and sign in again.'

/** The box that a sign-in code is pasted into. */
export interface CodeBox {
  /** Waits until a text that `check` accepts is entered. Closing the box does not end the wait: it can be opened again. */
  ask(check: (text: string) => string | undefined, signal: AbortSignal): Promise<string>
  /** Opens the box of the sign-in that waits for a code; where none does, says what to do. */
  openOrExplain(): void
}

export function createCodeBox(): CodeBox {
  let waiting: (() => void) | undefined
  return {
    ask(check, signal) {
      return new Promise((resolve, reject) => {
        let current: vscode.InputBox | undefined
        const open = () => {
          current?.dispose()
          current = inputBox(check, (text) => finish(() => resolve(text)))
          current.show()
        }
        const abort = () => finish(() => reject(signal.reason as Error))
        const finish = (settle: () => void) => {
          current?.dispose()
          signal.removeEventListener('abort', abort)
          if (waiting === open) waiting = undefined
          settle()
        }
        signal.addEventListener('abort', abort, { once: true })
        if (signal.aborted) return abort()
        waiting = open
        open()
      })
    },
    openOrExplain() {
      if (waiting) waiting()
      else void vscode.window.showInformationMessage(NO_CODE)
    },
  }
}

function inputBox(check: (text: string) => string | undefined, accept: (text: string) => void): vscode.InputBox {
  const box = vscode.window.createInputBox()
  box.title = 'Gatehouse: Paste Sign-in Code'
  box.prompt = 'Sign in in the browser, copy the code that the last page shows, and paste it here. Then press Enter.'
  box.placeholder = 'The code from the sign-in page'
  // The person goes to the browser and comes back.
  box.ignoreFocusOut = true
  box.onDidChangeValue((text) => {
    box.validationMessage = text.trim() === '' ? undefined : check(text)
  })
  box.onDidAccept(() => {
    const problem = check(box.value)
    if (problem === undefined) accept(box.value)
    else box.validationMessage = problem
  })
  return box
}
