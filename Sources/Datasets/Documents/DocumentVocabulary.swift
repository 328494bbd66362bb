import Support

/// Words and phrases of everyday documents. About one in six of each list is shown by the test split alone, and by no
/// other list entry than those.
package struct DocumentVocabulary: Sendable {
    /// The entries that training and validation show.
    package let training: [String]
    /// The entries that only the test split shows.
    package let heldOut: [String]

    /// Entries separated by commas or line breaks.
    private init(_ entries: String) {
        let all = entries.split { $0 == "," || $0.isNewline }.map { $0.trimmingPrefix(" ") }.map(String.init)
        training = all.filter { !Self.isHeldOut($0) }
        heldOut = all.filter(Self.isHeldOut)
    }

    /// The entries of a split.
    package func entries(_ split: SeedSplit) -> [String] { split == .test ? heldOut : training }

    /// `count` different entries, or all if there are fewer.
    func draw(_ count: Int, _ split: SeedSplit, _ generator: inout SplitMix64) -> [String] {
        Array(generator.shuffled(entries(split)).prefix(count))
    }

    /// One entry.
    func draw(_ split: SeedSplit, _ generator: inout SplitMix64) -> String {
        generator.draw(from: entries(split))
    }

    /// Whether only the test split shows this word or phrase, by FNV-1a.
    package static func isHeldOut(_ entry: String) -> Bool {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in entry.lowercased().utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return (hash >> 20) % 6 == 1
    }

    /// Goods that shops sell.
    package static let goods = DocumentVocabulary(
        """
        Coffee,Tea,Milk,Bread,Butter,Cheese,Eggs,Apples,Bananas,Oranges,Grapes,Lemons,Tomatoes,Potatoes,Onions,Carrots
        Rice,Pasta,Flour,Sugar,Salt,Pepper,Honey,Jam,Yogurt,Cream,Ham,Bacon,Sausage,Chicken,Beef,Fish,Salmon,Shrimp
        Soup,Salad,Sandwich,Burger,Pizza,Fries,Muffin,Bagel,Cookies,Cake,Donut,Waffle,Pancakes,Juice,Water,Soda,Cola
        Beer,Wine,Lemonade,Espresso,Latte,Mocha,Cocoa,Chips,Nuts,Candy,Chocolate,Ice Cream,Cereal,Beans,Corn,Peas
        Soap,Shampoo,Toothpaste,Towels,Tissues,Napkins,Batteries,Light Bulb,Candles,Matches,Pens,Pencil,Notebook,Paper
        Stapler,Scissors,Glue,Tape,Ruler,Eraser,Envelope,Stamps,Folder,Calendar,Hammer,Nails,Screws,Drill,Saw,Wrench
        Paint,Brush,Rope,Ladder,Shovel,Bucket,Gloves,Hat,Scarf,Socks,Shirt,Jacket,Shoes,Belt,Umbrella,Backpack,Wallet
        Watch,Mug,Plate,Bowl,Spoon,Fork,Knife,Kettle,Toaster,Blender,Lamp,Chair,Desk,Pillow,Blanket,Mirror,Clock,Phone
        Tablet,Laptop,Monitor,Keyboard,Mouse,Printer,Camera,Speaker,Charger,Cable,Router,Guitar,Drum,Violin,Ball,Bat
        Racket,Helmet,Bike,Skates,Tent,Compass,Map,Flashlight,Cooler,Garlic,Spinach,Lettuce,Cucumber,Mushroom,Pears
        Peaches,Plums,Cherries,Melon,Mango,Kiwi,Oats,Vinegar,Olive Oil,Ketchup,Mustard,Salsa,Tofu,Noodles,Tacos,Sushi
        """)

    /// What charts and tables compare.
    package static let groups = DocumentVocabulary(
        """
        North,South,East,West,Sales,Support,Design,Legal,Finance,Research,Marketing,Training,Logistics,Security,Delivery
        Soccer,Tennis,Hockey,Rugby,Golf,Cricket,Boxing,Rowing,Skiing,Cycling,Running,Swimming,Chess,Judo,Archery,Sailing
        Dogs,Cats,Birds,Horses,Cows,Sheep,Goats,Pigs,Ducks,Rabbits,Lions,Tigers,Bears,Wolves,Foxes,Deer,Owls,Frogs
        Math,Physics,History,Art,Music,English,Biology,Chemistry,Geography,Latin,Drama,Dance,Gym,French,Spanish,German
        Rent,Food,Travel,Clothes,Savings,Fuel,Health,Games,Books,Gifts,Taxes,Repairs,Water,Power,Internet,Insurance
        Home Team,Away Team,Team Alpha,Team Beta,Team Delta,Gamma,Omega,Sigma,Epsilon,Group One,Group Two,Group Three
        Solar,Wind,Coal,Gas,Hydro,Nuclear,Biomass,Bus,Train,Car,Bike,Plane,Ferry,Tram,Walking,Taxi,Subway,Scooter
        Windows,Linux,Android,Firefox,Chrome,Safari,Python,Swift,Rust,Java,Ruby,Kotlin,Fortran,Haskell,Perl,Scala
        """)

    /// Cities.
    package static let cities = DocumentVocabulary(
        """
        London,Paris,Berlin,Madrid,Rome,Vienna,Prague,Oslo,Dublin,Lisbon,Athens,Warsaw,Budapest,Helsinki,Stockholm
        Boston,Chicago,Denver,Seattle,Austin,Dallas,Houston,Phoenix,Atlanta,Miami,Toronto,Montreal,Lima,Quito,Bogota
        Cairo,Lagos,Nairobi,Tunis,Accra,Mumbai,Delhi,Tokyo,Osaka,Seoul,Beijing,Manila,Jakarta,Bangkok,Hanoi,Sydney
        Perth,Auckland,Munich,Hamburg,Cologne,Zurich,Geneva,Milan,Turin,Naples,Lyon,Nice,Porto,Leeds,Bristol,York
        """)

    /// First names.
    package static let firstNames = DocumentVocabulary(
        """
        Anna,Ben,Clara,David,Emma,Frank,Grace,Henry,Ivy,Jack,Karen,Leo,Maria,Noah,Olivia,Paul,Quinn,Rosa,Sam,Tina
        Uma,Victor,Wendy,Xavier,Yara,Zoe,Alice,Bruno,Carla,Diego,Elena,Felix,Gina,Hugo,Irene,James,Kim,Linda,Marco
        Adam,Bea,Carlos,Dina,Eva,Fred,Gus,Helen,Igor,Jane,Kurt,Laura,Max,Nora,Otto,Pia,Rita,Simon,Tara,Umar,Vince,Will
        Yusuf,Zara,Aidan,Becky,Chris,Derek,Ellen,Fiona,Gary,Holly,Ian,Julia,Keith,Lucy,Megan,Nick,Omar,Polly,Rachel
        Steve,Tom,Valerie,Winston,Ximena,Yolanda,Nina,Oscar,Petra,Ralph,Sofia,Thomas,Ursula,Vera,Walter,Amir,Bella,Chen,Dora,Erik,Fatima,George,Hanna,Ines
        """)

    /// Last names.
    package static let lastNames = DocumentVocabulary(
        """
        Smith,Jones,Brown,Taylor,Wilson,Davis,Evans,Thomas,Walker,White,Harris,Martin,Clark,Lewis,Young,King,Wright
        Lopez,Hill,Scott,Green,Adams,Baker,Nelson,Carter,Mitchell,Perez,Roberts,Turner,Phillips,Parker,Collins,Stewart
        Morris,Rogers,Reed,Cook,Morgan,Bell,Murphy,Bailey,Rivera,Cooper,Cox,Howard,Ward,Torres,Gray,Ramirez,Watson
        Brooks,Kelly,Sanders,Price,Bennett,Wood,Barnes,Ross,Henderson,Coleman,Jenkins,Perry,Powell,Long,Hughes,Meyer
        """)

    /// What follows a shop's own name.
    package static let shops = DocumentVocabulary(
        """
        Market,Store,Cafe,Shop,Bakery,Books,Foods,Deli,Pharmacy,Grill,Diner,Garden,Hardware,Electronics,Grocery,Bistro
        Outlet,Supply,Corner,Mart,Kitchen,Bar,Pizza,Traders,Express,Center
        """)

    /// Buttons.
    package static let buttons = DocumentVocabulary(
        """
        OK,Cancel,Yes,No,Save,Open,Close,Retry,Delete,Apply,Next,Back,Finish,Install,Update,Help,Skip,Send,Print,Copy
        Allow,Deny,Continue,Exit,Submit,Log in,Sign in,Log out,Try again,Not now,Remove,Discard,Learn more,Reset,Accept
        Decline,Upload,Download,Search,Edit,Share,Stop,Start,Pause,Resume,Ignore,Abort,Details,Browse,Replace,Rename
        Add,Create,Connect,Disconnect,Restart,Shut down,Got it,Don't save,Save as,Undo,Redo,Reload,Confirm,Dismiss
        """)

    /// Names of windows.
    package static let windows = DocumentVocabulary(
        """
        Error,Warning,Settings,Preferences,Save File,Open File,Confirm,Update,Installer,Login,Sign In,Network,Printer
        Disk Cleanup,File Manager,Text Editor,Calculator,Mail,Calendar,Backup,Security,Sound,Display,Power,Account
        Download,Upload,Search,About,Properties,New Folder,Web Browser,Music Player,Task List,Terminal,Photos,Privacy
        Notification,Connection,System Update,Delete File,Print,Export,Import,Language,Keyboard,Bluetooth,Storage
        """)

    /// Menus.
    package static let menus = DocumentVocabulary(
        """
        Home,Inbox,Files,Photos,Music,Reports,Users,Billing,Help,Settings,Profile,Messages,Orders,Products,Projects
        Tasks,Calendar,Contacts,Search,Drafts,Sent,Trash,Archive,Favorites,History,Downloads,Security,Network,Printers
        Display,Sound,Account,News,Sports,Weather,Travel,Videos,Shop,Cart,Support,About,Team,Careers,Blog,Prices,Docs
        Charts,Alerts,Devices,Backups,Plugins,Themes,Fonts,Updates,Friends,Groups,Events,Maps,Notes,Wallet,Library
        """)

    /// Messages; `#1` becomes the name of a file or thing, `#2` a number.
    package static let messages = DocumentVocabulary(
        """
        The file #1 could not be opened.
        Could not save #1.
        Do you want to save changes to #1?
        The disk is full.
        The connection was lost.
        No internet connection.
        Wrong password. Try again.
        #1 is not responding.
        #1 has stopped working.
        Are you sure you want to delete #1?
        Delete #2 files?
        #2 updates are ready to install.
        Restart now to finish the update.
        Access to #1 was denied.
        The printer is out of paper.
        Battery is low: #2 percent left.
        File #1 was not found.
        The server did not answer.
        Your session has expired.
        Please enter your name.
        The password is too short.
        Invalid date.
        #1 was saved.
        Download finished: #2 files.
        Upload failed after #2 tries.
        Replace the existing file #1?
        The network cable is unplugged.
        An unknown error occurred.
        Out of memory.
        The page could not be loaded.
        Your account is locked.
        Copying #2 files to #1.
        The device is not ready.
        Cannot connect to #1.
        The format of #1 is not supported.
        Check the cable and try again.
        #2 messages were deleted.
        Not enough space for #1.
        The license ends in #2 days.
        Please wait while #1 is installed.
        """)

    /// Boxes to tick.
    package static let options = DocumentVocabulary(
        """
        Remember me,Show hidden files,Enable sound,Dark mode,Wi-Fi,Auto save,Send reports,Check spelling,Wrap lines
        Show grid,Full screen,Loop,Shuffle,Mute,Airplane mode,Bluetooth,Location,Notifications,Show tips,Keep open
        Make a backup,Create a shortcut,Use a proxy,Allow cookies,Block ads,Sync photos,Large text,High contrast
        Start at login,Ask before closing,Show line numbers,Print in color,Two sides,Include images,Read only,Hidden
        Subscribe,I agree,Gift wrap,Express shipping,Invoice by mail,Vegetarian,Window seat,Breakfast,Late checkout
        """)

    /// Titles of charts; `#1` becomes a year or a place.
    package static let titles = DocumentVocabulary(
        """
        Sales in #1,Visitors in #1,Rainfall in #1,Budget #1,Results #1,Survey #1,Points in #1,Orders in #1,Costs in #1
        Members in #1,Energy in #1,Exports #1,Profit in #1,Students in #1,Traffic in #1,Growth in #1,Test Scores #1
        Revenue #1,Production in #1,Downloads #1,Tickets in #1,Hours in #1,Steps in #1,Guests in #1,Harvest #1
        """)

    /// The months of the year.
    package static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]

    /// The days of the week.
    package static let weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
}
