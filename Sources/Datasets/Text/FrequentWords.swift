/// Words that everyday texts, forms and screens use often.
enum FrequentWords {
    /// The words, in small letters.
    static let all: [String] =
        (function + everyday + screens + business)
        .flatMap { $0.split(separator: " ") }.map(String.init)

    private static let function = [
        "the of and to in is you that it he was for on are as with his they at be this have from or one had by word",
        "but not what all were we when your can said there use an each which she do how their if will up other about",
        "out many then them these so some her would make like him into time has look two more write go see number no",
        "way could people my than first water been call who now find long down day did get come made may part",
        "over new sound take only little work know place year live me back give most very after thing our just name",
        "good sentence man think say great where help through much before line right too mean old any same tell boy",
        "follow came want show also around form three small set put end does another well large must big even such",
        "because turn here why ask went men read need land different home us move try kind hand again change",
        "off play spell air away animal house point page letter mother answer found study still learn should",
    ]

    private static let everyday = [
        "morning evening night week month today tomorrow yesterday summer winter spring autumn weather rain snow sun",
        "city street road bridge river lake mountain garden park school office shop market station airport hotel",
        "kitchen table chair window door floor wall roof key lamp bed book paper pencil phone picture camera clock",
        "bread butter cheese milk coffee tea sugar salt pepper apple orange lemon banana potato tomato onion rice",
        "chicken fish soup salad dinner lunch breakfast cake chocolate cream juice beer wine glass bottle plate cup",
        "red green blue yellow black white brown grey purple pink dark light bright heavy short tall wide narrow",
        "happy sad quick slow early late warm cold hot fresh clean dirty empty full open closed free busy quiet loud",
        "family friend father sister brother child children woman doctor teacher student driver player winner guest",
        "music song film story game sport team match ticket travel train bus car bicycle boat flight holiday visit",
        "horse dog cat bird tree flower forest island ocean beach stone metal wood cotton silver gold energy power",
    ]

    private static let screens = [
        "file edit view insert format tools window help save cancel close delete copy paste search settings options",
        "error warning failed success loading please wait retry continue back next finish submit confirm password",
        "user login logout account profile email message inbox send reply forward draft archive folder upload",
        "download install update version release server network connection offline online device battery storage",
        "screen keyboard mouse print preview select all none yes apply reset default enable disable allow deny",
        "privacy security permission access denied invalid required optional field value missing unknown support",
        "dashboard report chart status active pending completed progress details summary history notification menu",
        "language region volume brightness display theme share export import refresh filter sort ascending column row",
    ]

    private static let business = [
        "total amount price quantity item unit discount tax net gross balance due paid payment cash card credit debit",
        "invoice receipt order customer supplier address shipping delivery billing account number date reference",
        "company limited department manager director sales marketing finance budget revenue profit loss growth",
        "quarter annual average maximum minimum percent rate income cost expense salary bonus contract project plan",
        "product service quality review rating stock available sold offer special sale member points store branch",
        "january february march april june july august september october november december monday tuesday wednesday",
        "thursday friday saturday sunday north south east west central international national public private general",
        "north america europe africa asia london paris berlin madrid rome vienna tokyo sydney boston chicago denver",
    ]
}
