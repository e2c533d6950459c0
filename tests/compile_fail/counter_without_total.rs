use watchkeeper::metric::CounterDesc;

const LOGINS: CounterDesc = CounterDesc::new("logins", "Sign-ins.");

fn main() {
    let _ = LOGINS;
}
