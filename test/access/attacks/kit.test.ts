import { startKitShape } from '../kit-shape.ts'
import { attackSuite } from './suite.ts'

attackSuite(startKitShape)
