//! A pooler as a look at a database must find it: each transaction of a connection runs in another session.

use testkit::postgres::Database;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of prepared statements.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Statements {
    /// Every session has them.
    Known,
    /// The session has them in which they were prepared.
    Lost,
}

/// The URL of a pooler before a database. Each of its connections has two sessions, and transactions go to them by
/// turns.
pub(super) async fn before(database: &Database, statements: Statements) -> String {
    let url = database.url();
    let (user, place) = url.split_once('@').unwrap();
    let (server, name) = place.split_once('/').unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = server.to_owned();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = server.clone();
            tokio::spawn(async move { serve(client, &server, statements).await });
        }
    });
    format!("{user}@127.0.0.1:{port}/{name}")
}

/// Serves one connection until it ends.
async fn serve(mut client: TcpStream, server: &str, statements: Statements) -> Option<()> {
    let mut sessions = [TcpStream::connect(server).await.ok()?, TcpStream::connect(server).await.ok()?];
    let begin = rest_of_message(&mut client, Vec::new()).await?;
    for (index, session) in sessions.iter_mut().enumerate() {
        session.write_all(&begin).await.ok()?;
        let (answer, _) = answer(session).await?;
        if index == 0 {
            client.write_all(&answer).await.ok()?;
        }
    }
    let mut turn = 0;
    loop {
        let (request, prepares) = request(&mut client).await?;
        if prepares && statements == Statements::Known {
            let other = &mut sessions[1 - turn];
            other.write_all(&request).await.ok()?;
            answer(other).await?;
        }
        sessions[turn].write_all(&request).await.ok()?;
        let (answer, is_over) = answer(&mut sessions[turn]).await?;
        client.write_all(&answer).await.ok()?;
        if is_over {
            turn = 1 - turn;
        }
    }
}

/// What a client sends until it waits for an answer, and whether it prepares a statement.
async fn request(client: &mut TcpStream) -> Option<(Vec<u8>, bool)> {
    let (mut octets, mut prepares) = (Vec::new(), false);
    loop {
        let message = message(client).await?;
        prepares |= message[0] == b'P';
        octets.extend_from_slice(&message);
        if matches!(message[0], b'Q' | b'S') {
            return Some((octets, prepares));
        }
    }
}

/// What a session answers until it is ready, and whether no transaction is open then.
async fn answer(session: &mut TcpStream) -> Option<(Vec<u8>, bool)> {
    let mut octets = Vec::new();
    loop {
        let message = message(session).await?;
        octets.extend_from_slice(&message);
        if message[0] == b'Z' {
            return Some((octets, message[5] == b'I'));
        }
    }
}

/// A message: a letter, and the length of what follows.
async fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let letter = stream.read_u8().await.ok()?;
    rest_of_message(stream, vec![letter]).await
}

async fn rest_of_message(stream: &mut TcpStream, mut octets: Vec<u8>) -> Option<Vec<u8>> {
    let length = stream.read_u32().await.ok()?;
    octets.extend_from_slice(&length.to_be_bytes());
    let begin = octets.len();
    octets.resize(begin + length as usize - 4, 0);
    stream.read_exact(&mut octets[begin..]).await.ok()?;
    Some(octets)
}
