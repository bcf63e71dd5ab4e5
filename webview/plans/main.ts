import './plans-page.ts'
