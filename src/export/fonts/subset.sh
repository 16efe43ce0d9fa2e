#!/bin/sh
# Makes figure.ttf from Arimo Regular (Debian: apt install fonts-croscore): the letters that
# names and titles have, without hints and layout tables, which figures do not use.
# Needs fonttools (pip install fonttools); run where this file is.
#
#   sh subset.sh [/usr/share/fonts/truetype/croscore/Arimo-Regular.ttf]
set -eu
font="${1:-/usr/share/fonts/truetype/croscore/Arimo-Regular.ttf}"
# Latin and its marks, Greek, Cyrillic, punctuation, superscripts, arrows, mathematics
pyftsubset "$font" --output-file=figure.ttf --no-hinting --layout-features= \
    --drop-tables+=GDEF,GPOS,GSUB,kern,gasp,DSIG,VDMX,LTSH,hdmx --notdef-outline \
    --no-recalc-timestamp --glyph-names --name-IDs=0,1,2,3,4,5,6,13,14 \
    --unicodes=U+0020-007E,U+00A0-017F,U+0192,U+01FA-01FF,U+0218-021B,U+02C6-02DD,U+0384-03CE,U+0400-045F,U+0490-0491,U+2010-2015,U+2018-2022,U+2026,U+2030,U+2032-2033,U+2039-203A,U+2044,U+2070-208E,U+20AC,U+2122,U+2190-2195,U+2202,U+2206,U+220F,U+2211,U+2212,U+221A,U+221E,U+222B,U+2248,U+2260,U+2261,U+2264,U+2265,U+25CA,U+FFFD
