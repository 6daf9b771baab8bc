import java.io.ByteArrayInputStream;
import java.math.BigDecimal;
import java.sql.*;
import java.util.*;

/**
 * A session of Connector/J. Prints what it is told, which is the same directly and through a proxy; to stderr, the servers that answered.
 * Usage: Session URL; the password of account app comes in MYSQL_PWD.
 */
public class Session {
  static final Set<Integer> servers = new TreeSet<>();
  static Connection connection;

  static List<List<Object>> ask(String sql, Object... args) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < args.length; i++) statement.setObject(i + 1, args[i]);
      return statement.execute() ? rows(statement.getResultSet()) : List.of(List.of(statement.getUpdateCount()));
    }
  }

  static List<List<Object>> rows(ResultSet result) throws SQLException {
    List<List<Object>> rows = new ArrayList<>();
    while (result.next()) {
      List<Object> row = new ArrayList<>();
      for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
        Object value = result.getObject(i);
        row.add(value instanceof byte[] bytes ? "bytes " + bytes.length + " " + Arrays.hashCode(bytes) : value);
      }
      rows.add(row);
    }
    return rows;
  }

  static void say(String what, Object value) throws SQLException {
    System.out.println(what + " " + value);
    servers.add(((Number) ask("SELECT @@server_id").get(0).get(0)).intValue());
  }

  static Object failure(String sql) {
    try {
      return ask(sql);
    } catch (SQLException error) {
      return error.getErrorCode() + " " + error.getSQLState();
    }
  }

  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    properties.put("user", "app");
    properties.put("password", System.getenv("MYSQL_PWD"));
    connection = DriverManager.getConnection(args[0], properties);
    say("version", connection.getMetaData().getDatabaseProductName());
    ask("CREATE OR REPLACE TABLE java (id INT PRIMARY KEY AUTO_INCREMENT, t TIMESTAMP(6) NULL, b LONGBLOB, s VARCHAR(100) CHARACTER SET utf8mb4, d DECIMAL(20,5))");
    byte[] blob = new byte[17 << 20];
    new Random(1).nextBytes(blob);
    connection.setAutoCommit(false);
    try (PreparedStatement insert = connection.prepareStatement("INSERT INTO java (t, b, s, d) VALUES (?, ?, ?, ?)", Statement.RETURN_GENERATED_KEYS)) {
      insert.setTimestamp(1, Timestamp.valueOf("2024-05-06 07:08:09.123456"));
      insert.setBytes(2, blob);
      insert.setString(3, "é😀");
      insert.setBigDecimal(4, new BigDecimal("12.34567"));
      insert.executeUpdate();
      try (ResultSet keys = insert.getGeneratedKeys()) {
        System.out.println("key " + rows(keys));
      }
      for (int i = 0; i < 100; i++) {
        insert.setTimestamp(1, null);
        insert.setBinaryStream(2, new ByteArrayInputStream(new byte[1000 + i]));
        insert.setString(3, "row " + i);
        insert.setBigDecimal(4, null);
        insert.addBatch();
      }
      System.out.println("batch " + insert.executeBatch().length);
    }
    connection.commit();
    connection.setAutoCommit(true);
    for (int i = 0; i < 3; i++) say("row", ask("SELECT * FROM java WHERE id = ?", 1));
    try (PreparedStatement select = connection.prepareStatement("SELECT id, s FROM java WHERE id >= ? ORDER BY id")) {
      select.setFetchSize(10);
      select.setInt(1, 1);
      try (ResultSet result = select.executeQuery()) {
        System.out.println("streamed " + rows(result).size());
      }
    }
    ask("CREATE OR REPLACE PROCEDURE java_twice(IN x INT, OUT y INT) BEGIN SELECT x; SELECT x + 1, 'more'; SET y = x * 2; END");
    try (CallableStatement call = connection.prepareCall("{call java_twice(?, ?)}")) {
      call.setInt(1, 21);
      call.registerOutParameter(2, Types.INTEGER);
      List<Object> sets = new ArrayList<>();
      for (boolean more = call.execute(); more; more = call.getMoreResults()) sets.add(rows(call.getResultSet()));
      say("procedure " + call.getInt(2), sets);
    }
    connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
    say("isolation", connection.getTransactionIsolation());
    connection.setAutoCommit(false);
    ask("UPDATE java SET s = 'changed'");
    Savepoint savepoint = connection.setSavepoint();
    ask("DELETE FROM java");
    connection.rollback(savepoint);
    System.out.println("savepoint " + ask("SELECT COUNT(*), MAX(s) FROM java"));
    connection.rollback();
    connection.setAutoCommit(true);
    say("rolled back", ask("SELECT COUNT(*) FROM java WHERE s = 'changed'"));
    try (Statement statement = connection.createStatement()) {
      List<Object> sets = new ArrayList<>();
      boolean isRows = statement.execute("SELECT 1; DO 0; SELECT 'two'");
      while (isRows || statement.getUpdateCount() >= 0) {
        sets.add(isRows ? rows(statement.getResultSet()) : "done");
        isRows = statement.getMoreResults();
      }
      say("several results", sets);
    }
    try (Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(1);
      statement.executeQuery("SELECT SLEEP(20)");
    } catch (SQLException error) {
      System.out.println("timeout " + error.getErrorCode());
    }
    try (Statement statement = connection.createStatement()) {
      Timer timer = new Timer(true);
      timer.schedule(new TimerTask() {
        public void run() {
          try {
            statement.cancel();
          } catch (SQLException error) {
            System.out.println("cancel failed: " + error.getMessage());
          }
        }
      }, 500);
      System.out.println("cancelled " + rows(statement.executeQuery("SELECT SLEEP(20)")));
    } catch (SQLException error) {
      System.out.println("cancelled " + error.getErrorCode());
    }
    System.out.println("syntax " + failure("SELEC nonsense"));
    System.out.println("duplicate " + failure("INSERT INTO java (id) VALUES (1)"));
    System.out.println("no table " + failure("SELECT * FROM nowhere"));
    try (ResultSet columns = connection.getMetaData().getColumns("app", null, "java", "%")) {
      System.out.println("columns " + rows(columns).size());
    }
    connection.setCatalog("information_schema");
    say("database", connection.getCatalog());
    System.out.println("valid " + connection.isValid(5));
    connection.close();
    System.err.println(servers);
  }
}
