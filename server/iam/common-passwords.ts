/**
 * Passwords that attackers try first, and the words that they are made of, lower case. `password-rules.ts` refuses each with up to five
 * characters around it, so "welcome" stands for "Welcome2026!" too.
 */

let loaded: Promise<ReadonlySet<string>> | null = null;

/**
 * The 49,000 most used passwords of published breaches, as zxcvbn-ts bundles them (ASVS 5.0 6.2.4 wants 3,000), with our own beside.
 * Read when the first password is set: they are some megabytes.
 */
export function commonPasswords(): Promise<ReadonlySet<string>> {
  loaded ??= import('@zxcvbn-ts/language-common').then(
    ({ dictionary }) =>
      new Set([...dictionary['passwords-common'].map((word) => word.toLowerCase()), ...OUR_WORDS]),
  );
  return loaded;
}

/** What operators of servers choose and installers leave behind, keyboard walks and names of the longer kind. */
const OUR_WORDS = `
  password passwort password123456 passw0rd p@ssw0rd p@ssword thisismypassword newpassword123 changeme
  changethis letmein letmeinplease 123456 123456789012 1234567891011 123123 112233 112233445566 121212
  111111 000000 222222222222 666666 696969 777777 888888 999999 987654 098765432109 012345678901 147258
  147852369 159753 159357 741852963 789456 456789 456123789 102030 100200300 654321 5201314 131313 232323
  212121 101010 202020 123321 1234554321 123454321 12344321 1234qwer 1q2w3e 1q2w3e4r5t6y 1qaz2wsx
  1qaz2wsx3edc4rfv 1qazxsw23edc zaq12wsx zaq1zaq1 zaq1xsw2 2wsx3edc 3edc4rfv 1a2b3c4d a1b2c3 a1b2c3d4e5f6
  a1s2d3f4 q1w2e3 q1w2e3r4t5y6 abc123 abcd1234 abcdef abcdefghijkl abcdef123456 abcabcabcabc aaaaaa
  aabbccdd asdf asdfghjklqwe asdfjklasdfjkl asdasdasd asdzxc123 123asdasd qwer1234 qwerasdfzxcv qwerqwer
  qwert qwerty12345 qwertyasdfgh qwertyasdfghzxcvbn qwertyuiop1 qwertyuiopasdf qwertyuiopasdfghjklzxcvbnm
  qwertzuiop123 azerty azertyuiop123 qweasd qweqwe qwe123 qwaszx zxcv zxcvbnm123 zxczxczxc zxcasdqwe
  lkjhgfdsa mnbvcxz 0okm9ijn 9ijn8uhb poiuytre !qaz2wsx !qaz@wsx !qaz1qaz qazwsx qazwsxedc123 qazwsxedcrfv
  qazxsw qazxswedcvfr qazqaz admin admin123456789 administrator rootroot superuser superadmin123
  supersecret123 topsecret123 secret secretpassword system operator manager supervisor guest default
  defaultpassword temp1234 temppass temporary test testing123 demo1234 demodemo example sample123 user1234
  username service serviceaccount support helpdesk backup oracle postgres postgrespassword mysql redis
  docker dockerpassword kubernetes jenkins grafana elastic elasticsearch prometheus rabbitmq mongodb
  cassandra database server webmaster123 developer development production staging platform cisco ubuntu
  debian vagrant raspberry toor blank123 access company corporate office business welcome welcome123456
  hello helloworld1 hallo bonjour goodmorning p@$$w0rd pa$$word pa$$w0rd pa55word pa55w0rd passpass
  passphrase passcode pass1234 march2026 april2026 iloveyousomuch iloveyouforever iloveu ilovejesus
  ilovegod ilovemymom ilovemyself ilovemyfamily loveyou lovelove lovely loveme lover trustno1 trustnoone
  monkey dragon master shadow sunshine princess superman batman spiderman ironman wonderwoman football
  baseball basketball volleyball softball hockey soccer liverpool arsenal chelsea manchester
  manchesterunited manunited manutd barcelona realmadrid juventus bayernmunich dortmund steelers cowboys
  lakers yankees eagles packers michael michelle jessica jennifer ashley amanda andrea anthony andrew
  daniel david123 charlie christopher1 elizabeth george hannah jasmine jordan joseph joshua justin matthew
  natalie nicholas nicole patrick richard robert samantha sebastian stephanie thomas victoria william
  alexander alexandra benjamin brandon caroline catherine gabriel isabella jonathan katherine margaret
  maximilian veronica pokemon naruto minecraft fortnite counterstrike callofduty assassinscreed starwars
  startrek harrypotter hogwarts gryffindor slytherin lordoftherings gandalf frodo123 matrix metallica
  nirvana slipknot linkinpark greenday eminem beatles blink182 mercedes ferrari porsche corvette mustang
  yamaha honda123 harley harleydavidson computer internet windows microsoft google facebook instagram
  youtube whatsapp samsung nokia iphone android blackberry macbook chocolate butterfly strawberry
  blueberry cinnamon peanut cookie cheese banana orange purple yellow yellowsubmarine pepper ginger buster
  tigger tinkerbell snoopy garfield mickeymouse hellokitty1 babygirl babyboy sweetheart sweetie sweety123
  angel beautiful flower rainbow diamond crystal silver golden summer winter spring autumn monday tuesday
  wednesday thursday friday saturday sunday january february march123 april123 august september october
  november december freedom whatever nothing something everything anything unknown forever friends
  bestfriend family mother father brother sister godisgood godislove jesus123 jesuschrist1 jesusislord
  blessed heaven christ birthday happy123 happyday happiness newyork california chicago florida texas123
  america london paris123 berlin123 amsterdam australia england scotland ireland germany deutschland
  brazil brasil canada mexico portugal argentina colombia russia jakarta indonesia philippines singapore
  vietnam pakistan india123 bangladesh hunter ranger soldier warrior knight phoenix falcon scorpion
  tiger123 tigers lion123 panther wolf123 wolverine elephant dolphin penguin killer hacker ninja123
  samurai thunder lightning storm123 hurricane tornado rocket123 rocketman apollo discovery enterprise
  voyager universe galaxy123 midnight darkness darkside nightmare vampire zombie123 monster creative
  fantastic fantasy superstar rockstar rocknroll playboy playstation nintendo xbox360 gamecube legend
  champion winner success lucky123 lucky777 jackpot poker123 money123 moneymoney dollar billionaire
  millionaire bigdaddy bigboss gangster thuglife pimpin hotstuff sexy123 sexygirl fuckyou fuckoff fuckme
  motherfucker asshole bullshit pussycat biteme stupid idiot123 correcthorse correcthorsebattery
  correcthorsebatterystaple horsebatterystaple troubador tr0ub4dor opensesame sesame123 abracadabra
  alohomora hocuspocus shibboleth rosebud swordfish wargames iamgroot groot123 winteriscoming
  youshallnotpass maytheforce maytheforcebewithyou nowayjose nevermind dontforget dontknow idontcare
  ihateyou ihatepasswords ihatethis forgetmenot remember donotenter keepout 123456password passwordqwerty
  qwertypassword loginlogin login123 signin123 enter123 enterenter security securepassword secure123
  safe1234 private personal confidential classified godmode123 masterpassword initialpassword initial123
  onetime123 onetimepassword resetme123 reset123 expired123 updated123 verysecure nottelling incorrect
  incorrectpassword contraseña contrasena senha123 minhasenha motdepasse passord lösenord losenord
  wachtwoord haslo123 heslo123 parola salasana jelszo sifre123 geheim schalke04 ficken123 schatz
  sommer2024 sommer2025 sommer2026 liebling teamo tequiero amorcito amoreterno estrella princesa corazon
  mariposa jetaime doudou loulou soleil marseille forzamilan ciaociao francesco alessandro giovanni woaini
  aini1314 zhang123 wang1234 nihao123 parol123 lubov123 privet123 ytrewq gfhjkm natasha vfrcbv marina123
  sakura doraemon bismillah assalamualaikum alhamdulillah allahuakbar mashallah muhammad mohammed krishna
  omsairam jaimatadi saibaba sairam123 lakshmi rajesh123
`
  .trim()
  .split(/\s+/);
