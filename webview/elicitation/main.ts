import './elicitation-page.ts'
