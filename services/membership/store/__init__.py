"""How membership keeps the CPTS and their entries: named SQL, one function a question.

`state` applies events and alone writes; `loading` is what orders lock and read; `answers` is what
people are shown.
"""
