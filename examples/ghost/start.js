// Starts Ghost; of several tasks that start at once on one database, one at a time: the first makes the tables, the
// others find them made. (Ghost's own migration lock makes the second one fail instead of wait.) The lock is MySQL's
// GET_LOCK, held by a connection of this process, so it goes when the process does.
'use strict';
const http = require('node:http');
const mysql = require('mysql2/promise');

const WAIT_FOR_DATABASE_MS = 120_000;
const LOCK = 'ghost.boot';
const port = process.env.server__port || 2368;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function connect() {
    const until = Date.now() + WAIT_FOR_DATABASE_MS;
    for (;;) {
        try {
            return await mysql.createConnection({
                host: process.env.database__connection__host,
                port: Number(process.env.database__connection__port || 3306),
                user: process.env.database__connection__user,
                password: process.env.database__connection__password,
                connectTimeout: 5000
            });
        } catch (error) {
            if (Date.now() > until) throw error;
            console.log(`waiting for the database: ${error.message}`);
            await sleep(1000);
        }
    }
}

async function lock() {
    const connection = await connect();
    connection.on('error', (error) => console.error(`lost the boot lock's connection: ${error.message}`));
    for (;;) {
        const [rows] = await connection.query('SELECT GET_LOCK(?, 5) AS held', [LOCK]);
        if (rows[0].held === 1) return connection;
        console.log('another task is starting Ghost on this database: waiting');
    }
}

// Ghost listens early and answers 503 until it has booted.
function booted() {
    return new Promise((resolve) => {
        const request = http.get({host: '127.0.0.1', port, path: '/', timeout: 5000}, (response) => {
            response.resume();
            resolve(response.statusCode !== 503);
        });
        request.on('error', () => resolve(false));
        request.on('timeout', () => request.destroy());
    });
}

async function main() {
    const connection = await lock();
    require('./index.js');
    while (!(await booted())) await sleep(250);
    await connection.query('SELECT RELEASE_LOCK(?)', [LOCK]);
    await connection.end();
}

for (const signal of ['SIGTERM', 'SIGINT']) {
    // As the container's first process, node has no default action for these; Ghost adds its own when it has booted.
    process.once(signal, () => setTimeout(() => process.exit(0), 10_000).unref());
}
main().catch((error) => {
    console.error(error);
    process.exit(1);
});
