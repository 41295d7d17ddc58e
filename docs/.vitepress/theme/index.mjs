import 'katex/dist/katex.min.css';
import './site.css';
import DefaultTheme from 'vitepress/theme-without-fonts';

export default DefaultTheme;
