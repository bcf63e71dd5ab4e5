import type { SessionState } from '../session/types.ts'

export interface SignInNoticeOptions {
  /** Shows a notification with one button; settles when it is gone, with whether the button was pressed. */
  show(words: string, button: string): Promise<boolean>
  /** Of several windows the one that the person is in speaks. */
  isFocused(): boolean
  signIn(): Promise<unknown>
  /** The sign-in has ended without the person. */
  tellEnded(): void
}

export interface SignInNotice {
  /** To be called with each new state, and when the window gets the focus. */
  update(state: SessionState): void
}

/** Says once that the sign-in ends soon, and that it has ended; one notification at a time, however often the state changes. */
export function createSignInNotice(options: SignInNoticeOptions): SignInNotice {
  let isOpen = false
  /** The end that was spoken of. */
  let told: number | undefined
  let wasSignedIn = false

  const warn = async (endsAt: number): Promise<void> => {
    told = endsAt
    isOpen = true
    const wanted = await options.show(endingWords(endsAt), 'Sign In Again').finally(() => {
      isOpen = false
    })
    if (wanted) await options.signIn()
  }

  return {
    update(state) {
      if (state.kind === 'signed-in') {
        wasSignedIn = true
        if (state.endsAt === undefined) told = undefined
        else if (told === undefined && !isOpen && options.isFocused()) void warn(state.endsAt)
        return
      }
      const hasEnded = state.kind === 'signed-out' && state.code === 'session_ended'
      // Whoever has been warned, and has the button in front of them, needs no second one.
      if (hasEnded && wasSignedIn && !isOpen) options.tellEnded()
      wasSignedIn = false
      told = undefined
    },
  }
}

/** `Gatehouse: your sign-in ends at 14:05. …` */
function endingWords(endsAt: number): string {
  return `Gatehouse: your sign-in ends at ${timeOf(endsAt)}. Sign in again now, and nothing is interrupted.`
}

/** Hours and minutes, with the day where it is not today's. */
export function timeOf(at: number): string {
  const date = new Date(at)
  const isToday = date.toDateString() === new Date().toDateString()
  return date.toLocaleString(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    ...(isToday ? {} : { day: 'numeric', month: 'short' }),
  })
}
