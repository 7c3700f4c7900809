// Nothing: the theme's style sheet shows its icons from a font, without the 1.5 MB of this script.
