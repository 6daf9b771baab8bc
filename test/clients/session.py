"""A session of PyMySQL. Prints what it is told, which is the same directly and through a proxy; to stderr, the servers that answered.

Usage: session.py HOST PORT [CA]; the password of account app comes in MYSQL_PWD. Uses the folder it is run in.
"""
import decimal
import os
import sys

import pymysql
import pymysql.cursors
from pymysql.constants import CLIENT

host, port = sys.argv[1], int(sys.argv[2])
ca = sys.argv[3] if len(sys.argv) > 3 else None
servers = set()


def connect(**more):
    settings = dict(
        host=host, port=port, user="app", password=os.environ["MYSQL_PWD"], database="app", charset="utf8mb4",
        local_infile=True, client_flag=CLIENT.MULTI_STATEMENTS, max_allowed_packet=64 << 20, autocommit=True,
    )
    if ca:
        settings["ssl"] = {"ca": ca}
    settings.update(more)
    return pymysql.connect(**settings)


connection = connect()


def ask(sql, args=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, args)
        return cursor.fetchall()


def say(*what):
    print(*what)
    servers.add(ask("SELECT @@server_id")[0][0])


def failure(do):
    try:
        do()
        return "no error"
    except pymysql.err.MySQLError as error:
        return error.args[0]


say("cipher", bool(ask("SHOW STATUS LIKE 'Ssl_cipher'")[0][1]) if ca else None)
ask("CREATE OR REPLACE TABLE py (id INT PRIMARY KEY AUTO_INCREMENT, b LONGBLOB, t TIMESTAMP(6) NULL, s VARCHAR(50) CHARACTER SET utf8mb4, d DECIMAL(30,10))")
blob = bytes(range(256)) * ((17 << 20) // 256)
connection.begin()
ask("INSERT INTO py (b, t, s, d) VALUES (_binary %s, '2020-01-01 00:00:00.123456', %s, %s)", (blob, "é😀", decimal.Decimal("1234567890.0123456789")))
row = ask("SELECT b, t, s, d FROM py")[0]
say("in the transaction", row[0] == blob, row[1:])
connection.commit()
row = ask("SELECT b, t, s, d FROM py")[0]
say("after it", row[0] == blob, row[1:])
connection.begin()
ask("DELETE FROM py")
connection.rollback()
say("rolled back", ask("SELECT COUNT(*) FROM py"))

for zone in ("+05:00", "-03:30", "+00:00"):
    ask("SET time_zone = %s", (zone,))
    say("time zone", [ask("SELECT @@time_zone, t FROM py") for _ in range(2)])
for charset in ("latin1", "utf8mb4", "cp1251", "utf8mb4"):
    connection.set_charset(charset)
    say("character set", [ask("SELECT @@character_set_client, @@character_set_results, HEX(%s), LEFT(s, 1) = %s FROM py", ("é" if charset != "cp1251" else "ж",) * 2) for _ in range(2)])

with connection.cursor() as cursor:
    sets = []
    cursor.execute("SELECT 1; UPDATE py SET d = d + 1; SELECT 'two', d FROM py; DO 0")
    while True:
        sets.append((cursor.rowcount, cursor.fetchall()))
        if not cursor.nextset():
            break
    say("several results", sets)
ask("CREATE OR REPLACE PROCEDURE py_twice(IN x INT, OUT y INT) BEGIN SELECT x; SELECT x + 1, 'more'; SET y = x * 2; END")
with connection.cursor() as cursor:
    cursor.callproc("py_twice", (21, 0))
    sets = [cursor.fetchall()]
    while cursor.nextset():
        sets.append(cursor.fetchall())
    cursor.execute("SELECT @_py_twice_1")
    say("procedure", sets, cursor.fetchall())

with open("py.csv", "w", encoding="utf-8") as file:
    file.writelines(f"{i},row {i}\n" for i in range(50_000))
ask("CREATE OR REPLACE TABLE py_load (a INT PRIMARY KEY, b VARCHAR(20))")
ask("LOAD DATA LOCAL INFILE 'py.csv' INTO TABLE py_load FIELDS TERMINATED BY ','")
say("loaded", ask("SELECT COUNT(*), SUM(a), MAX(b) FROM py_load"))
say("no file", failure(lambda: ask("LOAD DATA LOCAL INFILE 'py.none' INTO TABLE py_load")))
say("still there", ask("SELECT COUNT(*) FROM py_load"))

with connect(cursorclass=pymysql.cursors.SSCursor) as second, second.cursor() as cursor:
    second.begin()  # causal_reads=local is about what a session has written itself
    cursor.execute("SELECT a FROM py_load ORDER BY a")
    print("unbuffered", sum(a for (a,) in cursor))

ask("SET @mine = 'kept', @number = 5")
say("user variables", [ask("SELECT @mine, @number") for _ in range(3)])
ask("PREPARE s FROM 'SELECT ? + @number'")
say("text protocol", [ask("EXECUTE s USING @number") for _ in range(3)])
ask("CREATE TEMPORARY TABLE py_own AS SELECT 7 AS seven")
print("temporary table", ask("SELECT * FROM py_own"), ask("SHOW TABLES LIKE 'py%'"))
ask("DROP TEMPORARY TABLE py_own")

connection.select_db("information_schema")
say("database", ask("SELECT DATABASE()"))
connection.ping()
print("syntax", failure(lambda: ask("SELEC nonsense")))
print("wrong password", failure(lambda: connect(password="wrong")))
print("no such database", failure(lambda: connect(database="nowhere")))
print("duplicate", failure(lambda: ask("INSERT INTO app.py (id) VALUES (1)")))
print("warnings", ask("SELECT 1/0"), ask("SHOW WARNINGS"))
connection.close()
print(sorted(servers), file=sys.stderr)
