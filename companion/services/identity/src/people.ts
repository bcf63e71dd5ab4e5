export interface Person {
  /** User name and OIDC `sub`. */
  readonly user: string
  readonly name: string
  /** What they do, for the sign-in page. */
  readonly role: string
  readonly groups: readonly string[]
}

/** Everyone's password. It stands on the sign-in page: this provider exists for local development alone. */
export const LOCAL_PASSWORD = 'gatehouse'

/** One person for each part that someone plays in Gatehouse. */
export const people: readonly Person[] = [
  { user: 'ada', name: 'Ada Adeyemi', role: 'Ads analyst', groups: ['ads'] },
  { user: 'finn', name: 'Finn Fischer', role: 'Finance analyst', groups: ['finance'] },
  { user: 'ines', name: 'Ines Ibarra', role: 'Infrastructure engineer', groups: ['infra', 'registry-admins'] },
  { user: 'sam', name: 'Sam Sato', role: 'Security reviewer', groups: ['reviewers-security'] },
  { user: 'lena', name: 'Lena Lindqvist', role: 'Legal reviewer', groups: ['reviewers-legal'] },
  { user: 'gus', name: 'Gus Garcia', role: 'GenAI reviewer', groups: ['reviewers-genai'] },
  { user: 'olga', name: 'Olga Okafor', role: 'Server owner', groups: ['owners-presto', 'infra'] },
  { user: 'carl', name: 'Carl Chen', role: 'Contractor', groups: [] },
]

export function findPerson(user: string): Person | undefined {
  return people.find((person) => person.user === user)
}
