export type { AccessPolicy } from '@gatehouse/contracts'
