/// A fixed English text of about a thousand tokens, written for this purpose and so in no model's training data.
enum ReferenceText {
    static let text = """
        The tide mill at the head of the creek has not ground corn for sixty years, but its wheel still turns on two \
        afternoons a month, when the spring tide is high enough and the warden remembers to come. The principle is \
        simple. At high water the sea runs through a pair of wooden gates into a pond behind the dam. When the tide \
        begins to fall, the weight of the trapped water pushes the gates shut, and for about four hours the miller \
        has a river of his own. He cannot choose when it flows. A tide mill works by the moon, and the people who \
        lived by it ate their dinner at noon one week and at midnight the next.

        Visitors usually ask first about the noise. It is less than they expect. The great wheel makes a slow \
        slapping sound, like somebody beating a wet carpet, and above it one hears the small dry chatter of the \
        wooden teeth. The teeth are of apple wood and the wheel that they drive is of iron, because two iron wheels \
        would ring and throw sparks, and a spark in a room full of flour is the last thing that anybody sees. When a \
        tooth breaks, it can be knocked out and replaced in ten minutes. A good carpenter used to keep a box of \
        forty of them under the stairs.

        In the parish register there is a list of the families who held the lease. It begins in 1702 with a widow \
        named Hannah Poole, who could not write and signed with a drawing of a fish. She paid eleven pounds a year \
        and was obliged to grind for the poor on Saturdays without taking her toll. Her grandson rebuilt the dam \
        after the storm of 1768; the stones that he used came from a chapel on the other bank, and if one looks \
        closely at low water there is half of an angel's face among them, upside down and green with weed.

        Measuring the flow of a place like this is harder than it sounds. The textbook method is to drop an orange \
        into the channel and count the seconds until it passes a second mark. An orange floats almost completely \
        under water, so the wind does not push it, and it is bright enough to follow with the eye. But the water in \
        the middle moves faster than the water along the walls, and the water near the surface moves faster than the \
        water near the bed. Engineers therefore multiply the speed of the orange by about four fifths and by the \
        area of the channel. With a channel three metres wide and one metre deep, and an orange that needs five \
        seconds for ten metres, that makes nearly five tonnes of water every second.

        How much of this becomes useful work is another question. If the pond stands two metres above the creek, \
        five tonnes a second could in theory deliver a little less than a hundred kilowatts. The wheel itself loses \
        half, the gears lose some of what is left, and the stones turn most of the remainder into warm flour. What \
        the miller sold at the end was perhaps a hundred kilograms an hour on a good tide. A modern roller mill does \
        that in a few seconds, and it does not have to wait for the moon.

        And yet the pond has a use that its builders did not think of. Because it fills and empties slowly, its mud \
        is covered for longer than the mud outside, and the birds know it. In October, when the flats beyond the \
        point are already under water, several thousand waders stand along the inner bank, all facing the wind, \
        waiting for the gates to open. The warden keeps a notebook. On the ninth of October last year she counted \
        2,140 dunlin, 312 redshank, 47 curlew, and one tired spoonbill which stayed for three days and then left for \
        the south with a flock of geese.

        She has a theory that the birds have learned the sound of the wheel. On days when it is going to turn, she \
        says, they arrive twenty minutes before the gates move, although nothing can be seen from the flats. "They \
        can hear me oiling it," she told a reporter. "Or else they have read the tide table. I would not put that \
        past a curlew." The reporter wrote this down and asked whether anyone had tested it. Nobody had. It would be \
        easy enough: oil the wheel on a day when it stays still, and count who comes. She has promised to try it \
        next autumn, if somebody else will carry the ladder.
        """
}
