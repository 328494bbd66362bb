extension FontFamily {
    /// The families that training and its tests draw with. `scripts/fonts.sha256` lists their files; both name the same
    /// ones. Every face has all printable characters of ASCII, and small letters that differ from its capitals.
    package static let table: [FontFamily] = trained + heldOut

    private static let trained: [FontFamily] = [
        FontFamily(
            "Open Sans", .sans, maker: "Steve Matteson, Google", licence: "Apache-2.0",
            package: "fonts-open-sans", design: "Open Sans",
            faces: [
                .init("Regular", "OpenSans-Regular.ttf"), .init("Semibold", "OpenSans-Semibold.ttf"),
                .init("Bold", "OpenSans-Bold.ttf"), .init("Italic", "OpenSans-Italic.ttf"),
            ]),
        FontFamily(
            "DejaVu Sans", .sans, maker: "DejaVu project, Bitstream", licence: "Bitstream-Vera",
            package: "fonts-dejavu-core", design: "DejaVu",
            faces: [.init("Regular", "DejaVuSans.ttf"), .init("Bold", "DejaVuSans-Bold.ttf")]),
        FontFamily(
            "Liberation Sans", .sans, maker: "Red Hat, Ascender", licence: "GPL-2.0 with font exception",
            package: "fonts-liberation", design: "Helvetica",
            faces: [
                .init("Regular", "LiberationSans-Regular.ttf"), .init("Bold", "LiberationSans-Bold.ttf"),
                .init("Italic", "LiberationSans-Italic.ttf"), .init("Bold Italic", "LiberationSans-BoldItalic.ttf"),
            ]),
        FontFamily(
            "TeX Gyre Heros", .sans, maker: "GUST, URW", licence: "GUST-Font-License",
            package: "fonts-texgyre", design: "Helvetica",
            faces: [.init("Regular", "texgyreheros-regular.otf"), .init("Bold", "texgyreheros-bold.otf")]),
        FontFamily(
            "TeX Gyre Adventor", .sans, maker: "GUST, URW", licence: "GUST-Font-License",
            package: "fonts-texgyre", design: "Avant Garde",
            faces: [.init("Regular", "texgyreadventor-regular.otf"), .init("Bold", "texgyreadventor-bold.otf")]),
        FontFamily(
            "Cantarell", .sans, maker: "Dave Crossland, GNOME", licence: "OFL-1.1",
            package: "fonts-cantarell",
            faces: [.init("Regular", "Cantarell-Regular.otf"), .init("Bold", "Cantarell-Bold.otf")]),
        FontFamily(
            "Clear Sans", .sans, maker: "Intel", licence: "Apache-2.0",
            package: "fonts-clear-sans",
            faces: [
                .init("Regular", "ClearSans-Regular.ttf"), .init("Bold", "ClearSans-Bold.ttf"),
                .init("Italic", "ClearSans-Italic.ttf"),
            ]),
        FontFamily(
            "PT Sans", .sans, maker: "ParaType", licence: "ParaType Free Font License",
            package: "fonts-paratype", design: "PT",
            faces: [.init("Regular", "PTS55F.ttf"), .init("Bold", "PTS75F.ttf"), .init("Italic", "PTS56F.ttf")]),
        FontFamily(
            "Quicksand", .sans, maker: "Andrew Paglinawan", licence: "OFL-1.1",
            package: "fonts-quicksand",
            faces: [.init("Regular", "Quicksand-Regular.ttf"), .init("Bold", "Quicksand-Bold.ttf")]),
        FontFamily(
            "Manrope", .sans, maker: "Mikhail Sharanda", licence: "OFL-1.1",
            package: "fonts-manrope",
            faces: [.init("Regular", "Manrope-Regular.ttf"), .init("Bold", "Manrope-Bold.ttf")]),
        FontFamily(
            "Sora", .sans, maker: "Jonathan Barnbrook", licence: "OFL-1.1",
            package: "fonts-sora",
            faces: [.init("Regular", "Sora-Regular.otf"), .init("Bold", "Sora-Bold.otf")]),
        FontFamily(
            "Karla", .sans, maker: "Jonathan Pinhorn", licence: "OFL-1.1",
            package: "fonts-karla",
            faces: [
                .init("Regular", "Karla-Regular.otf"), .init("Bold", "Karla-Bold.otf"),
                .init("Italic", "Karla-Italic.otf"),
            ]),
        FontFamily(
            "Play", .sans, maker: "Jonas Hecksher", licence: "OFL-1.1",
            package: "fonts-play",
            faces: [.init("Regular", "Play-Regular.ttf"), .init("Bold", "Play-Bold.ttf")]),
        FontFamily(
            "B612", .sans, maker: "Intactile Design, Airbus", licence: "OFL-1.1",
            package: "fonts-b612",
            faces: [
                .init("Regular", "B612-Regular.otf"), .init("Bold", "B612-Bold.otf"),
                .init("Italic", "B612-Italic.otf"),
            ]),
        FontFamily(
            "Andika", .sans, maker: "SIL", licence: "OFL-1.1",
            package: "fonts-sil-andika",
            faces: [.init("Regular", "Andika-Regular.ttf"), .init("Bold", "Andika-Bold.ttf")]),
        FontFamily(
            "Go", .sans, maker: "Bigelow & Holmes", licence: "BSD-3-Clause",
            package: "fonts-go", design: "Go",
            faces: [
                .init("Regular", "Go-Regular.ttf"), .init("Bold", "Go-Bold.ttf"), .init("Italic", "Go-Italic.ttf"),
            ]),
        FontFamily(
            "Gillius ADF", .sans, maker: "Arkandis", licence: "GPL-2.0 with font exception",
            package: "fonts-adf-gillius",
            faces: [.init("Regular", "GilliusADF-Regular.otf"), .init("Bold", "GilliusADF-Bold.otf")]),
        FontFamily(
            "Universalis ADF", .sans, maker: "Arkandis", licence: "GPL-2.0 with font exception",
            package: "fonts-adf-universalis",
            faces: [
                .init("Regular", "UniversalisADFStd-Regular.otf"), .init("Bold", "UniversalisADFStd-Bold.otf"),
                .init("Italic", "UniversalisADFStd-Italic.otf"),
            ]),
        FontFamily(
            "Jura", .sans, maker: "Daniel Johnson", licence: "OFL-1.1",
            package: "fonts-jura",
            faces: [.init("Regular", "Jura-Regular.otf"), .init("SemiBold", "Jura-SemiBold.otf")]),
        FontFamily(
            "Junction", .sans, maker: "Caroline Hadilaksono, League of Moveable Type", licence: "OFL-1.1",
            package: "fonts-junction",
            faces: [.init("Regular", "Junction.otf")]),
        FontFamily(
            "Tuffy", .sans, maker: "Thatcher Ulrich", licence: "public domain",
            package: "fonts-tuffy",
            faces: [.init("Regular", "Tuffy.ttf"), .init("Bold", "Tuffy_Bold.ttf")]),
        FontFamily(
            "Tiresias Infofont", .sans, maker: "RNIB", licence: "GPL-3.0 with font exception",
            package: "fonts-tiresias", design: "Tiresias",
            faces: [.init("Regular", "tiresias_infofont.ttf"), .init("Bold", "tiresias_infofont_bold.ttf")]),
        FontFamily(
            "Averia Sans", .sans, maker: "Dan Sayers", licence: "OFL-1.1",
            package: "fonts-averia-sans-gwf", design: "Averia",
            faces: [.init("Regular", "AveriaSansGWF-Regular.ttf"), .init("Bold", "AveriaSansGWF-Bold.ttf")]),
        FontFamily(
            "GFS Neohellenic", .sans, maker: "Greek Font Society", licence: "OFL-1.1",
            package: "fonts-gfs-neohellenic",
            faces: [.init("Regular", "GFSNeohellenic.otf"), .init("Bold", "GFSNeohellenicBold.otf")]),
        FontFamily(
            "Linux Biolinum", .sans, maker: "Libertine project", licence: "OFL-1.1",
            package: "fonts-linuxlibertine", design: "Libertine",
            faces: [.init("Regular", "LinBiolinum_R.otf"), .init("Bold", "LinBiolinum_RB.otf")]),
        FontFamily(
            "Routed Gothic", .sans, maker: "Darren Embry", licence: "OFL-1.1",
            package: "fonts-routed-gothic",
            faces: [.init("Regular", "routed-gothic.ttf"), .init("Italic", "routed-gothic-italic.ttf")]),
        FontFamily(
            "OpenDyslexic", .sans, maker: "Abbie Gonzalez", licence: "CC-BY-3.0 and Bitstream-Vera",
            package: "fonts-opendyslexic", design: "DejaVu",
            faces: [.init("Regular", "OpenDyslexic-Regular.otf")]),
        FontFamily(
            "League Spartan", .sans, maker: "Tyler Finck, League of Moveable Type", licence: "OFL-1.1",
            package: "fonts-league-spartan",
            faces: [.init("Regular", "LeagueSpartan-Regular.otf"), .init("Bold", "LeagueSpartan-Bold.otf")]),
        FontFamily(
            "CMU Sans Serif", .sans, maker: "Andrey Panov, Donald Knuth", licence: "OFL-1.1",
            package: "fonts-cmu", design: "Computer Modern",
            faces: [.init("Regular", "cmunss.ttf"), .init("Bold", "cmunsx.ttf")]),
        FontFamily(
            "Comfortaa", .sans, maker: "Johan Aakerlund", licence: "OFL-1.1",
            package: "fonts-comfortaa",
            faces: [.init("Regular", "Comfortaa-Regular.ttf"), .init("Bold", "Comfortaa-Bold.ttf")]),
        FontFamily(
            "DejaVu Sans Condensed", .condensed, maker: "DejaVu project, Bitstream", licence: "Bitstream-Vera",
            package: "fonts-dejavu-extra", design: "DejaVu",
            faces: [.init("Regular", "DejaVuSansCondensed.ttf"), .init("Bold", "DejaVuSansCondensed-Bold.ttf")]),
        FontFamily(
            "Liberation Sans Narrow", .condensed, maker: "Red Hat, Ascender", licence: "GPL-2.0 with font exception",
            package: "fonts-liberation", design: "Helvetica",
            faces: [
                .init("Regular", "LiberationSansNarrow-Regular.ttf"), .init("Bold", "LiberationSansNarrow-Bold.ttf"),
            ]),
        FontFamily(
            "PT Sans Narrow", .condensed, maker: "ParaType", licence: "ParaType Free Font License",
            package: "fonts-paratype", design: "PT",
            faces: [.init("Regular", "PTN57F.ttf"), .init("Bold", "PTN77F.ttf")]),
        FontFamily(
            "Open Sans Condensed", .condensed, maker: "Steve Matteson, Google", licence: "Apache-2.0",
            package: "fonts-open-sans", design: "Open Sans",
            faces: [.init("Light", "OpenSans-CondLight.ttf"), .init("Bold", "OpenSans-CondBold.ttf")]),
        FontFamily(
            "Gillius ADF Condensed", .condensed, maker: "Arkandis", licence: "GPL-2.0 with font exception",
            package: "fonts-adf-gillius", design: "Gillius ADF",
            faces: [.init("Regular", "GilliusADF-Cond.otf"), .init("Bold", "GilliusADF-BoldCond.otf")]),
        FontFamily(
            "Yanone Kaffeesatz", .condensed, maker: "Yanone", licence: "OFL-1.1",
            package: "fonts-yanone-kaffeesatz",
            faces: [.init("Regular", "YanoneKaffeesatz-Regular.otf"), .init("Bold", "YanoneKaffeesatz-Bold.otf")]),
        FontFamily(
            "Dosis", .condensed, maker: "Pablo Impallari", licence: "OFL-1.1",
            package: "fonts-dosis",
            faces: [.init("Medium", "Dosis-Medium.otf"), .init("Bold", "Dosis-Bold.otf")]),
        FontFamily(
            "DejaVu Serif", .serif, maker: "DejaVu project, Bitstream", licence: "Bitstream-Vera",
            package: "fonts-dejavu-core", design: "DejaVu",
            faces: [.init("Regular", "DejaVuSerif.ttf"), .init("Bold", "DejaVuSerif-Bold.ttf")]),
        FontFamily(
            "Liberation Serif", .serif, maker: "Red Hat, Ascender", licence: "GPL-2.0 with font exception",
            package: "fonts-liberation", design: "Times",
            faces: [
                .init("Regular", "LiberationSerif-Regular.ttf"), .init("Bold", "LiberationSerif-Bold.ttf"),
                .init("Italic", "LiberationSerif-Italic.ttf"),
                .init("Bold Italic", "LiberationSerif-BoldItalic.ttf"),
            ]),
        FontFamily(
            "TeX Gyre Pagella", .serif, maker: "GUST, URW", licence: "GUST-Font-License",
            package: "fonts-texgyre", design: "Palatino",
            faces: [
                .init("Regular", "texgyrepagella-regular.otf"), .init("Bold", "texgyrepagella-bold.otf"),
                .init("Italic", "texgyrepagella-italic.otf"),
            ]),
        FontFamily(
            "TeX Gyre Schola", .serif, maker: "GUST, URW", licence: "GUST-Font-License",
            package: "fonts-texgyre", design: "Century Schoolbook",
            faces: [.init("Regular", "texgyreschola-regular.otf"), .init("Bold", "texgyreschola-bold.otf")]),
        FontFamily(
            "TeX Gyre Bonum", .serif, maker: "GUST, URW", licence: "GUST-Font-License",
            package: "fonts-texgyre", design: "Bookman",
            faces: [.init("Regular", "texgyrebonum-regular.otf")]),
        FontFamily(
            "PT Serif", .serif, maker: "ParaType", licence: "ParaType Free Font License",
            package: "fonts-paratype", design: "PT",
            faces: [.init("Regular", "PTF55F.ttf"), .init("Bold", "PTF75F.ttf"), .init("Italic", "PTF56F.ttf")]),
        FontFamily(
            "Caladea", .serif, maker: "Huerta Tipografica, Google", licence: "Apache-2.0",
            package: "fonts-crosextra-caladea",
            faces: [
                .init("Regular", "Caladea-Regular.ttf"), .init("Bold", "Caladea-Bold.ttf"),
                .init("Italic", "Caladea-Italic.ttf"),
            ]),
        FontFamily(
            "Charis SIL", .serif, maker: "SIL", licence: "OFL-1.1",
            package: "fonts-sil-charis",
            faces: [.init("Regular", "CharisSIL-Regular.ttf"), .init("Bold", "CharisSIL-Bold.ttf")]),
        FontFamily(
            "Gentium Basic", .serif, maker: "SIL", licence: "OFL-1.1",
            package: "fonts-sil-gentium-basic",
            faces: [.init("Regular", "GenBasR.ttf"), .init("Bold", "GenBasB.ttf"), .init("Italic", "GenBasI.ttf")]),
        FontFamily(
            "Linux Libertine", .serif, maker: "Libertine project", licence: "OFL-1.1",
            package: "fonts-linuxlibertine", design: "Libertine",
            faces: [
                .init("Regular", "LinLibertine_R.otf"), .init("Bold", "LinLibertine_RB.otf"),
                .init("Italic", "LinLibertine_RI.otf"),
            ]),
        FontFamily(
            "Vollkorn", .serif, maker: "Friedrich Althausen", licence: "OFL-1.1",
            package: "fonts-vollkorn",
            faces: [.init("Regular", "Vollkorn-Regular.ttf"), .init("Bold", "Vollkorn-Bold.ttf")]),
        FontFamily(
            "Quattrocento", .serif, maker: "Pablo Impallari", licence: "OFL-1.1",
            package: "fonts-quattrocento",
            faces: [.init("Regular", "Quattrocento-Regular.otf")]),
        FontFamily(
            "Baskervald ADF", .serif, maker: "Arkandis", licence: "GPL-2.0 with font exception",
            package: "fonts-adf-baskervald",
            faces: [.init("Regular", "BaskervaldADFStd.otf"), .init("Bold", "BaskervaldADFStd-Bold.otf")]),
        FontFamily(
            "Accanthis ADF", .serif, maker: "Arkandis", licence: "GPL-2.0 with font exception",
            package: "fonts-adf-accanthis",
            faces: [.init("Regular", "AccanthisADFStd-Regular.otf"), .init("Bold", "AccanthisADFStd-Bold.otf")]),
        FontFamily(
            "CMU Serif", .serif, maker: "Andrey Panov, Donald Knuth", licence: "OFL-1.1",
            package: "fonts-cmu", design: "Computer Modern",
            faces: [.init("Regular", "cmunrm.ttf"), .init("Bold", "cmunbx.ttf")]),
        FontFamily(
            "GFS Didot", .serif, maker: "Greek Font Society", licence: "OFL-1.1",
            package: "fonts-gfs-didot",
            faces: [.init("Regular", "GFSDidot.otf"), .init("Bold", "GFSDidotBold.otf")]),
        FontFamily(
            "Old Standard", .serif, maker: "Alexey Kryukov", licence: "OFL-1.0",
            package: "fonts-oldstandard",
            faces: [.init("Regular", "OldStandard-Regular.ttf"), .init("Bold", "OldStandard-Bold.ttf")]),
        FontFamily(
            "Goudy Bookletter 1911", .serif, maker: "Barry Schwartz, League of Moveable Type", licence: "public domain",
            package: "fonts-goudybookletter",
            faces: [.init("Regular", "GoudyBookletter1911.otf")]),
        FontFamily(
            "Arapey", .serif, maker: "Eduardo Tunni", licence: "OFL-1.1",
            package: "fonts-arapey",
            faces: [.init("Regular", "Arapey-Regular.otf")]),
        FontFamily(
            "Cardo", .serif, maker: "David Perry", licence: "OFL-1.1",
            package: "fonts-cardo",
            faces: [.init("Regular", "Cardo104s.ttf")]),
        FontFamily(
            "Fanwood", .serif, maker: "Barry Schwartz, League of Moveable Type", licence: "MIT",
            package: "fonts-fanwood",
            faces: [.init("Text", "FanwoodText.otf")]),
        FontFamily(
            "Prociono", .serif, maker: "Barry Schwartz, League of Moveable Type", licence: "public domain",
            package: "fonts-prociono",
            faces: [.init("Regular", "Prociono.otf")]),
        FontFamily(
            "Yrsa", .serif, maker: "Rosetta", licence: "OFL-1.1",
            package: "fonts-yrsa-rasa",
            faces: [.init("Regular", "Yrsa-Regular.ttf"), .init("Bold", "Yrsa-Bold.ttf")]),
        FontFamily(
            "Averia Serif", .serif, maker: "Dan Sayers", licence: "OFL-1.1",
            package: "fonts-averia-serif-gwf", design: "Averia",
            faces: [.init("Regular", "AveriaSerifGWF-Regular.ttf"), .init("Bold", "AveriaSerifGWF-Bold.ttf")]),
        FontFamily(
            "DejaVu Sans Mono", .mono, maker: "DejaVu project, Bitstream", licence: "Bitstream-Vera",
            package: "fonts-dejavu-core", design: "DejaVu",
            faces: [.init("Regular", "DejaVuSansMono.ttf"), .init("Bold", "DejaVuSansMono-Bold.ttf")]),
        FontFamily(
            "Hack", .mono, maker: "Christopher Simpkins, Bitstream", licence: "MIT and Bitstream-Vera",
            package: "fonts-hack", design: "DejaVu",
            faces: [.init("Regular", "Hack-Regular.ttf")]),
        FontFamily(
            "Liberation Mono", .mono, maker: "Red Hat, Ascender", licence: "GPL-2.0 with font exception",
            package: "fonts-liberation", design: "Liberation Mono",
            faces: [.init("Regular", "LiberationMono-Regular.ttf"), .init("Bold", "LiberationMono-Bold.ttf")]),
        FontFamily(
            "Inconsolata", .mono, maker: "Raph Levien", licence: "OFL-1.0",
            package: "fonts-inconsolata",
            faces: [.init("Regular", "Inconsolata.otf")]),
        FontFamily(
            "Fira Code", .mono, maker: "Nikita Prokopov, Mozilla", licence: "OFL-1.1",
            package: "fonts-firacode",
            faces: [.init("Regular", "FiraCode-Regular.ttf"), .init("Bold", "FiraCode-Bold.ttf")]),
        FontFamily(
            "Anonymous Pro", .mono, maker: "Mark Simonson", licence: "OFL-1.1",
            package: "fonts-anonymous-pro",
            faces: [.init("Regular", "Anonymous-Pro.ttf"), .init("Bold", "Anonymous-Pro-B.ttf")]),
        FontFamily(
            "Courier Prime", .mono, maker: "Alan Dague-Greene", licence: "OFL-1.1",
            package: "fonts-courier-prime", design: "Courier",
            faces: [.init("Regular", "Courier-Prime.otf"), .init("Bold", "Courier-Prime-Bold.otf")]),
        FontFamily(
            "TeX Gyre Cursor", .mono, maker: "GUST, URW", licence: "GUST-Font-License",
            package: "fonts-texgyre", design: "Courier",
            faces: [.init("Regular", "texgyrecursor-regular.otf"), .init("Bold", "texgyrecursor-bold.otf")]),
        FontFamily(
            "Fantasque Sans Mono", .mono, maker: "Jany Belluz", licence: "OFL-1.1",
            package: "fonts-fantasque-sans",
            faces: [.init("Regular", "FantasqueSansMono-Regular.ttf")]),
        FontFamily(
            "League Mono", .mono, maker: "Tyler Finck, League of Moveable Type", licence: "OFL-1.1",
            package: "fonts-league-mono",
            faces: [.init("Regular", "LeagueMono-Regular.otf"), .init("Condensed", "LeagueMono-Condensed.otf")]),
        FontFamily(
            "Mononoki", .mono, maker: "Matthias Tellen", licence: "OFL-1.1",
            package: "fonts-mononoki",
            faces: [.init("Regular", "mononoki-Regular.ttf"), .init("Bold", "mononoki-Bold.ttf")]),
        FontFamily(
            "Monofur", .mono, maker: "Tobias B. Koehler", licence: "OFL-1.1",
            package: "fonts-monofur",
            faces: [.init("Regular", "monof55.ttf")]),
        FontFamily(
            "Agave", .mono, maker: "type agaric", licence: "MIT",
            package: "fonts-agave",
            faces: [.init("Regular", "agave-r-autohinted.ttf")]),
        FontFamily(
            "3270", .mono, maker: "Ricardo Banffy", licence: "BSD-3-Clause",
            package: "fonts-3270",
            faces: [.init("Regular", "3270-Regular.ttf")]),
        FontFamily(
            "OCR-B", .mono, maker: "Norbert Schwarz, Adrian Frutiger", licence: "public domain",
            package: "fonts-ocr-b",
            faces: [.init("Regular", "OCRB.otf")]),
        FontFamily(
            "Glass TTY VT220", .mono, maker: "Viacheslav Slavinsky", licence: "Unlicense",
            package: "fonts-glasstty",
            faces: [.init("Regular", "Glass_TTY_VT220.ttf")]),
        FontFamily(
            "PT Mono", .mono, maker: "ParaType", licence: "ParaType Free Font License",
            package: "fonts-paratype", design: "PT",
            faces: [.init("Regular", "PTM55F.ttf")]),
        FontFamily(
            "Go Mono", .mono, maker: "Bigelow & Holmes", licence: "BSD-3-Clause",
            package: "fonts-go", design: "Go",
            faces: [.init("Regular", "Go-Mono.ttf"), .init("Bold", "Go-Mono-Bold.ttf")]),
        FontFamily(
            "Lobster Two", .display, maker: "Pablo Impallari", licence: "OFL-1.1",
            package: "fonts-lobstertwo",
            faces: [.init("Regular", "LobsterTwo-Regular.otf"), .init("Bold", "LobsterTwo-Bold.otf")]),
        FontFamily(
            "Leckerli One", .display, maker: "Gesine Todt", licence: "OFL-1.1",
            package: "fonts-leckerli-one",
            faces: [.init("Regular", "LeckerliOne-Regular.ttf")]),
        FontFamily(
            "Averia", .display, maker: "Dan Sayers", licence: "OFL-1.1",
            package: "fonts-averia-gwf", design: "Averia",
            faces: [.init("Regular", "AveriaGWF-Regular.ttf"), .init("Bold", "AveriaGWF-Bold.ttf")]),
        FontFamily(
            "Century Catalogue", .display, maker: "Raph Levien", licence: "OFL-1.0",
            package: "fonts-century-catalogue",
            faces: [.init("Regular", "Century-Catalogue.ttf")]),
        FontFamily(
            "Comic Neue", .hand, maker: "Craig Rozynski", licence: "OFL-1.1",
            package: "fonts-comic-neue",
            faces: [.init("Regular", "ComicNeue-Regular.otf"), .init("Bold", "ComicNeue-Bold.otf")]),
        FontFamily(
            "dkg handwriting", .hand, maker: "Daniel Kahn Gillmor", licence: "OFL-1.1",
            package: "fonts-dkg-handwriting",
            faces: [.init("Regular", "dkg.ttf")]),
        FontFamily(
            "Rufscript", .hand, maker: "Hiran Venugopalan", licence: "GPL-3.0 with font exception",
            package: "fonts-rufscript",
            faces: [.init("Regular", "Rufscript010.ttf")]),
        FontFamily(
            "Breip", .hand, maker: "Alan Hussey, Adam Breipohl", licence: "OFL-1.0",
            package: "fonts-breip",
            faces: [.init("Regular", "Breip.ttf")]),
        FontFamily(
            "Dancing Script", .hand, maker: "Pablo Impallari", licence: "OFL-1.1",
            package: "fonts-dancingscript",
            faces: [.init("Regular", "DancingScript-Regular.otf")]),
        FontFamily(
            "SteveHand", .hand, maker: "Steve Jordi", licence: "GPL-2.0 with font exception",
            package: "fonts-sjfonts",
            faces: [.init("Regular", "SteveHand.ttf")]),
    ]

    // Families and makers that training never sees. Whatever is nearly the same design is here too, or nowhere.
    private static let heldOut: [FontFamily] = [
        FontFamily(
            "Inter", .sans, maker: "Rasmus Andersson", licence: "OFL-1.1",
            package: "fonts-inter", split: .heldOut,
            faces: [
                .init("Regular", "Inter-Regular.otf"), .init("Bold", "Inter-Bold.otf"),
                .init("Italic", "Inter-Italic.otf"),
            ]),
        FontFamily(
            "Roboto", .sans, maker: "Christian Robertson, Google", licence: "Apache-2.0",
            package: "fonts-roboto-unhinted", design: "Roboto", split: .heldOut,
            faces: [
                .init("Regular", "Roboto-Regular.ttf"), .init("Bold", "Roboto-Bold.ttf"),
                .init("Italic", "Roboto-Italic.ttf"),
            ]),
        FontFamily(
            "Lato", .sans, maker: "Lukasz Dziedzic, tyPoland", licence: "OFL-1.1",
            package: "fonts-lato", design: "Lato", split: .heldOut,
            faces: [
                .init("Regular", "Lato-Regular.ttf"), .init("Bold", "Lato-Bold.ttf"),
                .init("Italic", "Lato-Italic.ttf"),
            ]),
        FontFamily(
            "Carlito", .sans, maker: "Lukasz Dziedzic, tyPoland", licence: "OFL-1.1",
            package: "fonts-crosextra-carlito", design: "Lato", split: .heldOut,
            faces: [.init("Regular", "Carlito-Regular.ttf")]),
        FontFamily(
            "Cabin", .sans, maker: "Pablo Impallari", licence: "OFL-1.1",
            package: "fonts-cabin", split: .heldOut,
            faces: [.init("Regular", "Cabin-Regular.otf"), .init("Bold", "Cabin-Bold.otf")]),
        FontFamily(
            "Oxygen", .sans, maker: "Vernon Adams", licence: "OFL-1.1",
            package: "fonts-oxygen", design: "Oxygen", split: .heldOut,
            faces: [.init("Regular", "Oxygen-Sans.ttf"), .init("Bold", "Oxygen-Sans-Bold.ttf")]),
        FontFamily(
            "Roboto Condensed", .condensed, maker: "Christian Robertson, Google", licence: "Apache-2.0",
            package: "fonts-roboto-unhinted", design: "Roboto", split: .heldOut,
            faces: [.init("Regular", "RobotoCondensed-Regular.ttf"), .init("Bold", "RobotoCondensed-Bold.ttf")]),
        FontFamily(
            "EB Garamond", .serif, maker: "Georg Duffner", licence: "OFL-1.1",
            package: "fonts-ebgaramond", split: .heldOut,
            faces: [
                .init("Regular", "EBGaramond12-Regular.otf"), .init("Bold", "EBGaramond12-Bold.otf"),
                .init("Italic", "EBGaramond12-Italic.otf"),
            ]),
        FontFamily(
            "Noto Serif", .serif, maker: "Steve Matteson, Google", licence: "OFL-1.1",
            package: "fonts-noto-core", split: .heldOut,
            faces: [
                .init("Regular", "NotoSerif-Regular.ttf"), .init("Bold", "NotoSerif-Bold.ttf"),
                .init("Italic", "NotoSerif-Italic.ttf"),
            ]),
        FontFamily(
            "Roboto Slab", .serif, maker: "Christian Robertson, Google", licence: "Apache-2.0",
            package: "fonts-roboto-slab", design: "Roboto", split: .heldOut,
            faces: [.init("Regular", "RobotoSlab-Regular.otf"), .init("Bold", "RobotoSlab-Bold.otf")]),
        FontFamily(
            "JetBrains Mono", .mono, maker: "Philipp Nurullin, JetBrains", licence: "OFL-1.1",
            package: "fonts-jetbrains-mono", split: .heldOut,
            faces: [.init("Regular", "JetBrainsMono-Regular.ttf"), .init("Bold", "JetBrainsMono-Bold.ttf")]),
    ]
}
